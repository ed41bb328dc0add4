// Package invitation is the domain: who may be invited to the KIWI app and the
// KIWI portal, by which link, and what ends that link.
//
// A User is one unit of change: the person, their address, one Invitation per
// Target and the mails that carry it. Every rule is a pure method on User that
// either changes it and records what happened, or returns one of this
// package's errors and is to be thrown away. A Store runs a rule on the locked
// user and saves all of it in one transaction.
//
//	          Send, GenerateQR
//	(none) ────────────────────▶ PENDING ───── Redeem ────▶ REDEEMED
//	                             │  ▲  ▲                      │
//	        Revoke, Deactivate,  │  │  └─ Renew:              │
//	        Update of the type,  │  │     new generation      │
//	        change or loss of    │  │                         │
//	        the mailed address   │  │ Send, GenerateQR:       │
//	                             ▼  │ new generation          │
//	                            REVOKED ◀── ResetActivation ──┘
//
// EXPIRED is PENDING with ExpiresAt passed; it is derived wherever a state is
// read and never stored. From there Renew and GenerateQR begin a new
// generation, and Revoke, Deactivate and Update revoke.
//
// An invitation has two channels. Each has a current generation, a random
// number, and is open when a link of that generation was handed out. A link
// names its channel and generation, and is dead when that channel has moved on.
// Once dead, a link answers with the same reason for ever, but for a redeemed
// one, which is revoked when the activation is reset, and for those of a
// deactivated user, which say so as long as they are the latest: what ended a
// generation stands in the audit event that moved the channel on.
package invitation
