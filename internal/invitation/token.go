package invitation

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
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

// A token is a number of 34 bytes, big endian:
//
//	5 bits   key id
//	1 bit    channel: 0 mailed, 1 shared
//	26 bits  generation
//	16 bytes invitation id
//	14 bytes HMAC-SHA-256 of a label and all of the above, cut to 112 bits
//
// Its text is that number in 46 digits to the base 62, in the order of math/big:
// 0-9, a-z, A-Z. They are letters and digits only, because chat programs cut a
// link at other characters. 46 digits reach a little further than 34 bytes; what
// is beyond is no token, so that each has one spelling.
const (
	headLen  = 4
	bodyLen  = headLen + 16
	macLen   = 14
	tokenLen = bodyLen + macLen
	// TokenChars is the length of every token's text.
	TokenChars = 46
	base       = 62
	macLabel   = "kiwi invitation link 2\x00"
	sharedBit  = 1 << 26
	keyShift   = 27
)

// Sign writes the token under the key that signs. The generation is at most
// MaxGeneration.
func (r *KeyRing) Sign(t Token) string {
	var raw [tokenLen]byte
	head := uint32(r.signing.id)<<keyShift | uint32(t.Generation)
	if t.Channel == Shared {
		head |= sharedBit
	}
	binary.BigEndian.PutUint32(raw[:], head)
	copy(raw[headLen:], t.InvitationID[:])
	mac := r.signing.mac(raw[:bodyLen])
	copy(raw[bodyLen:], mac[:macLen])
	return digits(raw)
}

// Verify reads a token's text as it was written. Whatever is wrong with it, the
// answer is ErrInvitationNotFound, after the same work.
func (r *KeyRing) Verify(text string) (Token, error) {
	raw, wellFormed := number(text)
	head := binary.BigEndian.Uint32(raw[:])
	key := r.keys[head>>keyShift]
	if key == nil {
		key, wellFormed = &r.decoy, false
	}
	mac := key.mac(raw[:bodyLen])
	genuine := hmac.Equal(mac[:macLen], raw[bodyLen:]) && wellFormed
	t := Token{Channel: Mailed, Generation: int(head & MaxGeneration)}
	if head&sharedBit != 0 {
		t.Channel = Shared
	}
	copy(t.InvitationID[:], raw[headLen:bodyLen])
	if !genuine {
		return Token{}, ErrInvitationNotFound
	}
	return t, nil
}

// digits writes a token's number.
func digits(raw [tokenLen]byte) string {
	text := new(big.Int).SetBytes(raw[:]).Text(base)
	return strings.Repeat("0", TokenChars-len(text)) + text
}

// number reads a token's text, and is zero if that is none.
func number(text string) (raw [tokenLen]byte, ok bool) {
	if len(text) != TokenChars || strings.ContainsFunc(text, func(c rune) bool { return !alphanumeric(c) }) {
		return raw, false
	}
	n, ok := new(big.Int).SetString(text, base)
	if !ok || n.BitLen() > tokenLen*8 {
		return raw, false
	}
	n.FillBytes(raw[:])
	return raw, true
}

func alphanumeric(c rune) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func (k *key) mac(body []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, k.secret[:])
	h.Write([]byte(macLabel))
	h.Write(body)
	return [sha256.Size]byte(h.Sum(nil))
}
