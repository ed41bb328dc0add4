package invitation

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"

	"github.com/google/uuid"
)

// Token is what a link proves: that this service handed out this generation of
// this channel of this invitation.
type Token struct {
	InvitationID uuid.UUID
	Channel      Channel
	Generation   int
}

// A token's text is the base32 of 35 bytes, which fill 56 characters without a
// bit to spare, so that no two texts are one token:
//
//	5 bits   key id, which is thus the text's first character
//	1 bit    channel: 0 mailed, 1 shared
//	18 bits  generation
//	16 bytes invitation id
//	16 bytes HMAC-SHA-256 of a label and all of the above, cut to 128 bits
const (
	headLen  = 3
	bodyLen  = headLen + 16
	macLen   = 16
	tokenLen = bodyLen + macLen
	// TokenChars is the length of every token's text.
	TokenChars = tokenLen * 8 / 5
	macLabel   = "kiwi invitation link 1\x00"
)

// Sign writes the token under the key that signs. The generation is at most
// MaxGeneration.
func (r *KeyRing) Sign(t Token) string {
	var raw [tokenLen]byte
	head := uint32(r.signing.id)<<19 | uint32(t.Generation)
	if t.Channel == Shared {
		head |= 1 << 18
	}
	binary.BigEndian.PutUint32(raw[:4], head<<8)
	copy(raw[headLen:], t.InvitationID[:])
	mac := r.signing.mac(raw[:bodyLen])
	copy(raw[bodyLen:], mac[:macLen])
	return base32.StdEncoding.EncodeToString(raw[:])
}

// Verify reads a token's text, in upper or lower case. Whatever is wrong with
// it, the answer is ErrInvitationNotFound, after the same work.
func (r *KeyRing) Verify(text string) (Token, error) {
	var raw [tokenLen]byte
	wellFormed := len(text) == TokenChars
	if wellFormed {
		n, err := base32.StdEncoding.Decode(raw[:], []byte(strings.ToUpper(text)))
		wellFormed = err == nil && n == tokenLen
	}
	head := binary.BigEndian.Uint32(raw[:4]) >> 8
	key := r.keys[head>>19]
	if key == nil {
		key, wellFormed = &r.decoy, false
	}
	mac := key.mac(raw[:bodyLen])
	genuine := hmac.Equal(mac[:macLen], raw[bodyLen:]) && wellFormed
	t := Token{Channel: Mailed, Generation: int(head & MaxGeneration)}
	if head&(1<<18) != 0 {
		t.Channel = Shared
	}
	copy(t.InvitationID[:], raw[headLen:bodyLen])
	if !genuine {
		return Token{}, ErrInvitationNotFound
	}
	return t, nil
}

func (k *key) mac(body []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, k.secret[:])
	h.Write([]byte(macLabel))
	h.Write(body)
	return [sha256.Size]byte(h.Sum(nil))
}
