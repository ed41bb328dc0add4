package invitation

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// keyIDs are the characters that name a key. Their places fill five bits.
const keyIDs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// secretLen is what HMAC-SHA-256 needs for its full strength.
const secretLen = 32

// nextMark ends the line of a key that is yet to sign.
const nextMark = " next"

type key struct {
	id   int
	next bool
	// secret is behind a pointer, which fmt doesn't follow in a field.
	secret *[secretLen]byte
}

// KeyRing signs with one of its keys and verifies with all of them. It never
// changes, is safe for concurrent use, and never prints a secret.
type KeyRing struct {
	keys    [len(keyIDs)]*key
	order   []*key
	signing *key
	// decoy does the work of a key that is not there.
	decoy key
}

// KeyError says what is wrong with a line of a key file, and quotes none of it.
type KeyError struct {
	Line    int
	Problem string
}

// Error implements error.
func (e *KeyError) Error() string { return fmt.Sprintf("key file, line %d: %s", e.Line, e.Problem) }

// ParseKeyRing reads a key file: a line per key, oldest first, each the key's
// id (one character of A-Z and 2-7), a blank and 32 random bytes in base64, and
// then " next" if the key is yet to sign. The last key without that mark signs.
// Empty lines and lines that start with '#' are skipped. A weak, repeated or
// unreadable key is a *KeyError, no key that signs another error.
func ParseKeyRing(text []byte) (*KeyRing, error) {
	r := &KeyRing{decoy: key{secret: new([secretLen]byte)}}
	if _, err := rand.Read(r.decoy.secret[:]); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return nil, &KeyError{n + 1, err.Error()}
		}
		if err := r.add(k); err != nil {
			return nil, &KeyError{n + 1, err.Error()}
		}
	}
	if len(r.order) == 0 {
		return nil, errors.New("the key file holds no key")
	}
	if r.signing == nil {
		return nil, errors.New("no key of the key file signs: all are marked as next")
	}
	return r, nil
}

func (r *KeyRing) add(k *key) error {
	for _, other := range r.keys {
		if other != nil && *other.secret == *k.secret {
			return errors.New("the same secret stands under another id")
		}
	}
	if r.keys[k.id] != nil {
		return errors.New("the id is taken by an earlier line")
	}
	r.keys[k.id], r.order = k, append(r.order, k)
	if !k.next {
		r.signing = k
	}
	return nil
}

func parseKey(line string) (*key, error) {
	name, encoded, _ := strings.Cut(line, " ")
	id := strings.Index(keyIDs, name)
	if len(name) != 1 || id < 0 {
		return nil, errors.New("an id is one character of A-Z and 2-7")
	}
	encoded, next := strings.CutSuffix(encoded, nextMark)
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return nil, errors.New("the secret is not base64")
	}
	if len(secret) != secretLen {
		return nil, fmt.Errorf("the secret has %d bytes instead of %d", len(secret), secretLen)
	}
	if weak(secret) {
		return nil, errors.New("the secret is not random")
	}
	return &key{id: id, next: next, secret: (*[secretLen]byte)(secret)}, nil
}

// weak finds secrets that nobody drew at random: 32 random bytes have fewer
// than 16 different values about once in 10^13 draws.
func weak(secret []byte) bool {
	seen := map[byte]bool{}
	for _, b := range secret {
		seen[b] = true
	}
	return len(seen) < 16
}

// NewKeyLine draws a key and returns its line for a key file.
func NewKeyLine(id byte) (string, error) {
	if strings.IndexByte(keyIDs, id) < 0 {
		return "", errors.New("an id is one character of A-Z and 2-7")
	}
	secret := make([]byte, secretLen)
	if _, err := rand.Read(secret); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return string(id) + " " + base64.StdEncoding.EncodeToString(secret), nil
}

// KeyUse is what a key of a ring is for.
type KeyUse string

// A key starts as next, which verifies too, and signs until another does.
const (
	KeyNext     KeyUse = "next"
	KeySigns    KeyUse = "signs"
	KeyVerifies KeyUse = "verifies"
)

// KeyInfo is what may be shown of a key.
type KeyInfo struct {
	ID  string
	Use KeyUse
	// Fingerprint tells two keys of one id apart, and tells nothing of the secret.
	Fingerprint string
}

// Keys tells of the ring's keys in the order of their file.
func (r *KeyRing) Keys() []KeyInfo {
	infos := make([]KeyInfo, len(r.order))
	for i, k := range r.order {
		infos[i] = KeyInfo{ID: keyIDs[k.id : k.id+1], Use: KeyVerifies, Fingerprint: k.fingerprint()}
		switch {
		case k == r.signing:
			infos[i].Use = KeySigns
		case k.next:
			infos[i].Use = KeyNext
		}
	}
	return infos
}

func (k *key) fingerprint() string {
	sum := sha256.Sum256(append([]byte("kiwi invitation key 1\x00"), k.secret[:]...))
	return hex.EncodeToString(sum[:4])
}

// Format implements fmt.Formatter for every verb.
func (KeyRing) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (KeyRing) LogValue() slog.Value { return slog.StringValue(redacted) }

// Pseudonym stands for an address where only sameness counts. It is made with the
// oldest key, so that it stays when another key signs, and changes only when the
// oldest is retired.
func (r *KeyRing) Pseudonym(e Email) string {
	h := hmac.New(sha256.New, r.order[0].secret[:])
	h.Write([]byte("kiwi invitation address 1\x00" + e.Key()))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}
