package invitation

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// MaxGeneration is the last generation that fits a token.
const MaxGeneration = 1<<26 - 1

// ChannelState is where one of the two ways of a link to its reader stands.
type ChannelState struct {
	// Generation is the current one, from 1 to MaxGeneration. It is drawn at
	// random: a counter would name the same link twice once a database was set
	// back to an earlier time.
	Generation int
	// Open says that a link of this generation was handed out.
	Open bool
}

// moveOn draws a generation of which nobody has a link yet.
func (c *ChannelState) moveOn() {
	for before := c.Generation; c.Generation == before || c.Generation == 0; {
		c.Generation = randomGeneration()
	}
	c.Open = false
}

// open has the current generation's link handed out. Only now is it drawn: one
// that waited in the database could be handed out twice, to two people, if the
// database was set back in between.
func (c *ChannelState) open() {
	if !c.Open {
		c.moveOn()
		c.Open = true
	}
}

func randomGeneration() int {
	var raw [4]byte
	_, _ = rand.Read(raw[:]) // never fails
	return int(binary.BigEndian.Uint32(raw[:]) & MaxGeneration)
}

// Invitation is the one invitation of a user for a target. Its methods that
// only read accept nil, which is no invitation.
type Invitation struct {
	ID     uuid.UUID
	Target Target
	// Stored is the state without expiry; see State.
	Stored     State
	IssuedAt   time.Time
	ExpiresAt  time.Time
	RedeemedAt time.Time
	RevokedAt  time.Time
	// RevokedFor is what links of a revoked invitation's generation answer
	// with; empty unless revoked.
	RevokedFor End
	Mailed     ChannelState
	Shared     ChannelState
	// DeliveryID names the latest mail; uuid.Nil if there was none.
	DeliveryID uuid.UUID
	// Reminded says that a reminder of the latest mail was sent, ExpiryNoted
	// that an event tells of the present generation's expiry.
	Reminded, ExpiryNoted bool
}

// State is where the invitation stands at the given time.
func (i *Invitation) State(now time.Time) State {
	switch {
	case i == nil:
		return None
	case i.Stored == Pending && !now.Before(i.ExpiresAt):
		return Expired
	default:
		return i.Stored
	}
}

// Channel returns the channel of this name.
func (i *Invitation) Channel(name Channel) *ChannelState {
	if name == Mailed {
		return &i.Mailed
	}
	return &i.Shared
}

// end is what a link of the current generation answers with, if it is dead;
// empty while it is good. It is not asked of redeemed invitations, which never
// move on.
func (i *Invitation) end(now time.Time) End {
	switch i.State(now) {
	case Revoked:
		return i.RevokedFor
	case Expired:
		return EndExpired
	default:
		return ""
	}
}

// closeChannel moves one channel on, and notes in the event what ended the links
// of the old generation.
func (i *Invitation) closeChannel(name Channel, e *Event) {
	c := i.Channel(name)
	if c.Open {
		e.ended(name, c.Generation)
	}
	c.moveOn()
}

// closeBoth moves both channels on. Links that were still good end with whatever
// the caller says; those that were dead keep their own end.
func (i *Invitation) closeBoth(end End, e *Event, now time.Time) {
	e.Reason = string(firstOf(i.end(now), end))
	i.closeChannel(Mailed, e)
	i.closeChannel(Shared, e)
}

func firstOf(a, b End) End {
	if a != "" {
		return a
	}
	return b
}

// issue makes the invitation pending from now on.
func (i *Invitation) issue(now time.Time, validity time.Duration) {
	i.Stored, i.IssuedAt, i.ExpiresAt = Pending, now, now.Add(validity)
	i.RevokedAt, i.RevokedFor, i.ExpiryNoted = time.Time{}, "", false
}
