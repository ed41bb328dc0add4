package sendgrid

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed request, as SendGrid's SDKs name them.
const (
	signatureHeader = "X-Twilio-Email-Event-Webhook-Signature"
	timestampHeader = "X-Twilio-Email-Event-Webhook-Timestamp"
)

// maxKeys is the present key and the next one: SendGrid has one at a time, and
// so a rotation needs both for as long as it repeats older requests.
const maxKeys = 2

// verifier holds the keys of which one must have signed a request.
type verifier []*ecdsa.PublicKey

func newVerifier(keys []string) (verifier, error) {
	if len(keys) == 0 || len(keys) > maxKeys {
		return nil, fmt.Errorf("there are %d verification keys, not 1 or %d", len(keys), maxKeys)
	}
	var v verifier
	for i, text := range keys {
		key, err := readKey(text)
		if err != nil {
			return nil, fmt.Errorf("verification key %d: %w", i+1, err)
		}
		v = append(v, key)
	}
	return v, nil
}

func readKey(text string) (*ecdsa.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, errors.New("is not base64 (SendGrid shows it without PEM's first and last line)")
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("is no public key")
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("is not an ECDSA key on the curve P-256")
	}
	return key, nil
}

// seal is what a request says about its author in the headers.
type seal struct {
	timestamp string
	signature []byte
}

// The length of an ECDSA signature on P-256: a sequence of two numbers.
const shortestSignature, longestSignature = 8, 72

// readSeal takes a signature in one spelling only: base64 has spare bits and
// may be broken into lines, and neither is covered by what was signed. What is no
// signature at all is refused before anybody reads the body.
func readSeal(h http.Header) (seal, bool) {
	text, timestamp := h.Get(signatureHeader), h.Get(timestampHeader)
	signature, err := base64.StdEncoding.DecodeString(text)
	ok := err == nil && len(signature) >= shortestSignature && len(signature) <= longestSignature && signature[0] == 0x30 && base64.StdEncoding.EncodeToString(signature) == text &&
		timestamp != "" && strings.Trim(timestamp, digits) == ""
	return seal{timestamp, signature}, ok
}

const digits = "0123456789"

// age is how long ago the request was signed; negative if that is yet to come.
func (s seal) age(now time.Time) time.Duration {
	seconds, err := strconv.ParseInt(s.timestamp, 10, 64)
	if err != nil {
		return math.MaxInt64
	}
	return now.Sub(time.Unix(seconds, 0))
}

// verify returns which key signed the timestamp and the body, from 1, or 0.
//
// The two are hashed with nothing in between. That the one is all digits and
// the other doesn't start with a digit is what keeps a byte from being moved
// across. sendgrid-go's helper doesn't see to that; it also takes a signature
// with bytes behind its end, and panics on a key of another kind.
//
// The window for the timestamp is wide: SendGrid repeats a request for 24 hours
// and doesn't say whether it signs it again. A replay within it is caught by the
// ids of the events, and changes nothing.
func (v verifier) verify(s seal, body []byte) int {
	if len(body) > 0 && strings.IndexByte(digits, body[0]) >= 0 {
		return 0
	}
	hash := sha256.New()
	hash.Write([]byte(s.timestamp))
	hash.Write(body)
	digest := hash.Sum(nil)
	for i, key := range v {
		if ecdsa.VerifyASN1(key, digest, s.signature) {
			return i + 1
		}
	}
	return 0
}
