package sendgridtest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

const (
	signatureHeader = "X-Twilio-Email-Event-Webhook-Signature"
	timestampHeader = "X-Twilio-Email-Event-Webhook-Timestamp"
)

// Webhook is the receiver of the events. By default a mail is processed and
// delivered; addresses such as bounce@… or defer+anna@… fare otherwise (life).
type Webhook struct {
	URL string
	// PrivateKey signs the posts, P-256 at SendGrid; unsigned when nil.
	PrivateKey *ecdsa.PrivateKey
	// Delay is between the acceptance and the first events. With none they
	// may well come before the answer to the mail.
	Delay time.Duration
	// DeferredFor is how long after it was deferred a mail to defer@… is
	// delivered: 5 seconds when zero, never when negative.
	DeferredFor time.Duration
	// SlowFor is how long after it was processed a mail to slow@… is
	// delivered: never when zero.
	SlowFor time.Duration
	// Attempts is how often a post is tried, 8 when zero; Backoff the pause
	// after the first, a second when zero, doubled after each one.
	Attempts int
	Backoff  time.Duration
}

// PublicKey is the verification key in the form that SendGrid shows it in:
// base64 of the DER, not PEM.
func PublicKey(key *ecdsa.PrivateKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", fmt.Errorf("encoding the webhook's public key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(der), nil
}

// post is one request to the receiver. A repeated one has the same bytes and
// the same signature: whether SendGrid signs again is not documented, and so
// the receiver has to bear an old timestamp.
type post struct {
	due       time.Time
	seq       int
	events    []event
	alone     bool // not to be merged with other posts
	attempt   int
	body      []byte
	signature http.Header
}

func (h *hook) deliver(ctx context.Context, p *post) bool {
	if p.body == nil && h.seal(p) != nil {
		return false
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.config.URL, bytes.NewReader(p.body))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "SendGrid Event API")
	maps.Copy(request.Header, p.signature)
	response, err := h.client.Do(request)
	if err != nil {
		return false
	}
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	_ = response.Body.Close()
	return response.StatusCode/100 == 2
}

// seal writes the body, with SendGrid's line break at its end, and signs it.
func (h *hook) seal(p *post) error {
	body, err := json.Marshal(p.events)
	if err != nil {
		return err
	}
	body = append(body, "\r\n"...)
	if h.config.PrivateKey != nil {
		if p.signature, err = Sign(h.config.PrivateKey, h.now(), body); err != nil {
			return err
		}
	}
	p.body = body
	return nil
}

// Sign returns the headers of a signed post: ECDSA over the SHA-256 of the
// timestamp and the raw body, in ASN.1 DER.
func Sign(key *ecdsa.PrivateKey, at time.Time, body []byte) (http.Header, error) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	digest := sha256.Sum256(append([]byte(timestamp), body...))
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return nil, fmt.Errorf("signing a post: %w", err)
	}
	signed := http.Header{}
	signed.Set(timestampHeader, timestamp)
	signed.Set(signatureHeader, base64.StdEncoding.EncodeToString(signature))
	return signed, nil
}
