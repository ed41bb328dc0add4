package invitation

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// keyIDs are the characters that name a key: one of them starts every token.
const keyIDs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// secretLen is what HMAC-SHA-256 needs for its full strength.
const secretLen = 32

type key struct {
	id int
	// secret is behind a pointer, which fmt doesn't follow in a field.
	secret *[secretLen]byte
}

// KeyRing signs with its newest key and verifies with all of them. It never
// changes, is safe for concurrent use, and never prints a secret.
type KeyRing struct {
	keys   [len(keyIDs)]*key
	newest *key
	// decoy does the work of a key that is not there.
	decoy key
}

// ParseKeyRing reads a key file: a line per key, oldest first, each the key's
// id (one character of A-Z and 2-7), a blank and 32 random bytes in base64.
// Empty lines and lines that start with '#' are skipped. A weak, repeated or
// unreadable key is an error, which quotes line numbers only.
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
			return nil, fmt.Errorf("key file, line %d: %w", n+1, err)
		}
		if err := r.add(k); err != nil {
			return nil, fmt.Errorf("key file, line %d: %w", n+1, err)
		}
	}
	if r.newest == nil {
		return nil, errors.New("the key file holds no key")
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
	r.keys[k.id], r.newest = k, k
	return nil
}

func parseKey(line string) (*key, error) {
	name, encoded, _ := strings.Cut(line, " ")
	id := strings.Index(keyIDs, name)
	if len(name) != 1 || id < 0 {
		return nil, errors.New("an id is one character of A-Z and 2-7")
	}
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
	return &key{id: id, secret: (*[secretLen]byte)(secret)}, nil
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

// Format implements fmt.Formatter for every verb.
func (KeyRing) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (KeyRing) LogValue() slog.Value { return slog.StringValue(redacted) }

// Pseudonym stands for an address where only sameness counts. It changes when a
// new key signs.
func (r *KeyRing) Pseudonym(e Email) string {
	h := hmac.New(sha256.New, r.newest.secret[:])
	h.Write([]byte("kiwi invitation address 1\x00" + e.Key()))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}
