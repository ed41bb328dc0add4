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
//	                             │  ▲  ▲
//	              Revoke,        │  │  └─ Renew: new generation
//	              Deactivate,    │  │
//	              change of the  ▼  │ Send, GenerateQR: new generation
//	              mailed address REVOKED
//
// EXPIRED is PENDING with ExpiresAt passed; it is derived wherever a state is
// read and never stored. From there Renew and GenerateQR begin a new
// generation, and Revoke revokes.
//
// An invitation has two channels. Each has a current generation, and is open
// when a link of that generation was handed out. A link names its channel and
// generation, and is dead when that channel has moved on. Once dead, a link
// answers with the same reason for ever: what ended its generation stands in
// the audit event that moved the channel on.
package invitation
