package sendgrid

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// signer is SendGrid's side of a key.
type signer struct {
	private *ecdsa.PrivateKey
	public  string // as SendGrid shows it
}

func newSigner(t testing.TB) signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{private, publicKey(t, &private.PublicKey)}
}

func publicKey(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func (s signer) sign(t testing.TB, timestamp, body string) string {
	t.Helper()
	digest := sha256.Sum256([]byte(timestamp + body))
	signature, err := ecdsa.SignASN1(rand.Reader, s.private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

// signed is a request and how it is signed; any of it may be changed.
type signed struct{ timestamp, signature, body string }

const stamp = "1700000000"

func (s signer) request(t testing.TB, body string) signed {
	t.Helper()
	return signed{stamp, s.sign(t, stamp, body), body}
}

// padded is a request whose signature ends in padding, as two in three do: its
// base64 has bits that mean nothing, and differs from other forms of base64.
func (s signer) padded(t testing.TB, body string) signed {
	t.Helper()
	for {
		if r := s.request(t, body); strings.HasSuffix(r.signature, "=") {
			return r
		}
	}
}

// direct hands the request to the handler without a client, which would refuse
// to send some of the headers.
func (s signed) direct(h http.Handler) int {
	r := httptest.NewRequest(http.MethodPost, WebhookPath, strings.NewReader(s.body))
	r.Header = http.Header{signatureHeader: {s.signature}, timestampHeader: {s.timestamp}}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// answer is what there is to say about a response.
type answer struct {
	status int
	header http.Header
	body   string
}

// post sends the request over HTTP, from any goroutine. It has the server's own
// client: a server that closes breaks off what others do with the default one.
func (s signed) post(t testing.TB, to *httptest.Server) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to.URL+WebhookPath, strings.NewReader(s.body))
	if err != nil {
		t.Error(err)
		return answer{}
	}
	r.Header.Set("Content-Type", "application/json")
	if s.signature != "" {
		r.Header.Set(signatureHeader, s.signature)
	}
	if s.timestamp != "" {
		r.Header.Set(timestampHeader, s.timestamp)
	}
	response, err := to.Client().Do(r)
	if err != nil {
		t.Error(err)
		return answer{}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// TestSendGridsOwnSignature has the example of SendGrid's SDKs, which is the
// only one that they publish: a key, and a request that it signed.
func TestSendGridsOwnSignature(t *testing.T) {
	t.Parallel()
	const key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
	r := signed{
		timestamp: "1600112502",
		signature: "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
		body: `[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",` +
			`"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",` +
			`"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",` +
			`"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]` + "\r\n",
	}
	rec := &recorder{}
	h := newHook(t, rec, func(c *WebhookConfig) { c.Keys = []string{key} })
	if status := r.direct(h); status != http.StatusNoContent {
		t.Errorf("status %d", status)
	}
	if got := rec.line(t); got["unknown"] != 1.0 || got["events"] != 1.0 || len(rec.calls()) != 0 {
		t.Errorf("log %v", got)
	}
}

// TestEveryBitFlipIsRefused changes every single bit of a request that is
// good, in its body, its timestamp and its signature.
func TestEveryBitFlipIsRefused(t *testing.T) {
	t.Parallel()
	s, rec := newSigner(t), &recorder{}
	h := newHook(t, rec, func(c *WebhookConfig) { c.Keys = []string{newSigner(t).public, s.public} })
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	good := s.padded(t, events(bounceEvent(1)))
	if status := good.post(t, server).status; status != http.StatusNoContent {
		t.Fatalf("status %d without any change", status)
	}
	refused := 0
	for i := range 8 * len(good.body) {
		bad := good
		bad.body = flip(bad.body, i)
		if got := bad.post(t, server); got.status != http.StatusUnauthorized || got.body != "" {
			t.Fatalf("status %d with bit %d of the body changed", got.status, i)
		}
		refused++
	}
	for i := range 8 * len(good.timestamp) {
		bad := good
		bad.timestamp = flip(bad.timestamp, i)
		if status := bad.direct(h); status != http.StatusUnauthorized {
			t.Fatalf("status %d with bit %d of the timestamp changed", status, i)
		}
		refused++
	}
	for i := range 8 * len(good.signature) {
		bad := good
		bad.signature = flip(bad.signature, i)
		if status := bad.direct(h); status != http.StatusUnauthorized {
			t.Fatalf("status %d with bit %d of the signature changed", status, i)
		}
		refused++
	}
	if n := len(rec.calls()); n != 1 {
		t.Errorf("recorded %d times, want once", n)
	}
	t.Logf("%d changed requests were refused", refused)
}

// TestEveryBitOfTheBareSignature changes the DER beneath the base64.
func TestEveryBitOfTheBareSignature(t *testing.T) {
	t.Parallel()
	s, rec := newSigner(t), &recorder{}
	h := newHook(t, rec, func(c *WebhookConfig) { c.Keys = []string{s.public} })
	good := s.request(t, events(bounceEvent(1)))
	der, _ := base64.StdEncoding.DecodeString(good.signature)
	for i := range 8 * len(der) {
		bad := good
		bad.signature = base64.StdEncoding.EncodeToString([]byte(flip(string(der), i)))
		if status := bad.direct(h); status != http.StatusUnauthorized {
			t.Fatalf("status %d with bit %d changed", status, i)
		}
	}
	for i := range der {
		bad := good
		bad.signature = base64.StdEncoding.EncodeToString(der[:i])
		if status := bad.direct(h); status != http.StatusUnauthorized {
			t.Fatalf("status %d with %d bytes of the signature", status, i)
		}
	}
	if n := len(rec.calls()); n != 0 {
		t.Errorf("recorded %d times", n)
	}
}

func flip(s string, bit int) string {
	b := []byte(s)
	b[bit/8] ^= 1 << (bit % 8)
	return string(b)
}

func TestForgeries(t *testing.T) {
	t.Parallel()
	s, other := newSigner(t), newSigner(t)
	body := events(bounceEvent(1))
	good := s.padded(t, body)
	der, _ := base64.StdEncoding.DecodeString(good.signature)
	tests := map[string]signed{
		"nothing signed":           {"", "", body},
		"no signature":             {stamp, "", body},
		"no timestamp":             {"", good.signature, body},
		"another key":              other.request(t, body),
		"another body":             {stamp, s.sign(t, stamp, "[]"), body},
		"another time":             {"1700000001", good.signature, body},
		"body alone signed":        {stamp, s.sign(t, "", body), body},
		"no body":                  {stamp, good.signature, ""},
		"longer body":              {stamp, good.signature, body + " "},
		"longer at the front":      {stamp, good.signature, " " + body},
		"shorter body":             {stamp, good.signature, body[:len(body)-1]},
		"body twice":               {stamp, good.signature, body + body},
		"other line break":         {stamp, good.signature, strings.TrimSpace(body) + "\n"},
		"digit moved to the body":  {stamp[:9], good.signature, stamp[9:] + body},
		"digits moved to the body": {stamp[:1], good.signature, stamp[1:] + body},
		"byte moved to the time":   {stamp + body[:1], good.signature, body[1:]},
		"blank behind the time":    {stamp + " ", s.sign(t, stamp+" ", body), body},
		"time with a sign":         {"+1", s.sign(t, "+1", body), body},
		"time that is a date":      {"2023-11-14", s.sign(t, "2023-11-14", body), body},
		"signature twice":          {stamp, good.signature + good.signature, body},
		"signature and more":       {stamp, base64.StdEncoding.EncodeToString(append(bytes.Clone(der), 0)), body},
		"signature in lines":       {stamp, good.signature[:40] + "\r\n" + good.signature[40:], body},
		"signature in URL form":    {stamp, base64.RawURLEncoding.EncodeToString(der), body},
		"signature in hex":         {stamp, "3045022061d056d1a3f98dcb", body},
		"zeros":                    {stamp, "MAYCAQACAQA=", body}, // r = s = 0
		"ones":                     {stamp, "MAYCAQECAQE=", body},
		"empty base64":             {stamp, "====", body},
		"no base64":                {stamp, "ü", body},
	}
	for name, forged := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := &recorder{}
			h := newHook(t, rec, func(c *WebhookConfig) { c.Keys = []string{s.public} })
			if status := forged.direct(h); status != http.StatusUnauthorized {
				t.Errorf("status %d", status)
			}
			if n := len(rec.calls()); n != 0 {
				t.Errorf("recorded %d times", n)
			}
			if line := rec.line(t); line["status"] != 401.0 || line["cause"] == "" || line["level"] != "WARN" || line["events"] != nil {
				t.Errorf("log %v", line)
			}
		})
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	t.Parallel()
	s, rec := newSigner(t), &recorder{}
	h := newHook(t, rec, func(c *WebhookConfig) { c.Keys = []string{s.public} })
	good := s.request(t, events(bounceEvent(1), deliveredEvent(2)))
	for n := range good.body {
		for _, bad := range []signed{
			{good.timestamp, good.signature, good.body[:n]},
			{good.timestamp, good.signature, good.body[n+1:]},
			{good.timestamp, good.signature, good.body[:n] + good.body[n+1:]},
		} {
			if status := bad.direct(h); status != http.StatusUnauthorized {
				t.Fatalf("status %d with a body cut at %d", status, n)
			}
		}
	}
	if n := len(rec.calls()); n != 0 {
		t.Errorf("recorded %d times", n)
	}
}

// TestOldTimestamp: what is older than SendGrid repeats anything is refused before
// anybody reads the body; what is younger is known by the ids of its events.
func TestOldTimestamp(t *testing.T) {
	t.Parallel()
	s, rec := newSigner(t), &recorder{}
	h := newHook(t, rec, func(c *WebhookConfig) { c.Keys, c.MaxAge = []string{s.public}, 0 })
	now := time.Now().Unix()
	for i, c := range []struct {
		timestamp string
		want      int
	}{
		{"0", http.StatusUnauthorized}, {"1000000000", http.StatusUnauthorized},
		{strconv.FormatInt(now-73*3600, 10), http.StatusUnauthorized}, {strconv.FormatInt(now-71*3600, 10), http.StatusNoContent},
		{strconv.FormatInt(now, 10), http.StatusNoContent}, {strconv.FormatInt(now+600, 10), http.StatusNoContent},
		{"99999999999999999999", http.StatusUnauthorized},
	} {
		body := events(bounceEvent(i))
		r := signed{c.timestamp, s.sign(t, c.timestamp, body), body}
		if status := r.direct(h); status != c.want {
			t.Errorf("status %d at %s, want %d", status, c.timestamp, c.want)
		}
		if c.want == http.StatusNoContent {
			continue
		}
		request := httptest.NewRequest(http.MethodPost, WebhookPath, unread{t})
		request.Header.Set(signatureHeader, r.signature)
		request.Header.Set(timestampHeader, r.timestamp)
		h.ServeHTTP(httptest.NewRecorder(), request)
	}
}

// unread is a body that nobody may read.
type unread struct{ *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.Error("the body was read")
	return 0, io.EOF
}

func TestTwoKeys(t *testing.T) {
	t.Parallel()
	old, next, third := newSigner(t), newSigner(t), newSigner(t)
	rec := &recorder{}
	h := newHook(t, rec, func(c *WebhookConfig) { c.Keys = []string{old.public, next.public} })
	for i, s := range []signer{old, next, third} {
		want := []int{http.StatusNoContent, http.StatusNoContent, http.StatusUnauthorized}[i]
		if status := s.request(t, events(bounceEvent(i))).direct(h); status != want {
			t.Errorf("status %d with key %d, want %d", status, i+1, want)
		}
	}
	if lines := rec.lines(t); lines[0]["key"] != 1.0 || lines[1]["key"] != 2.0 || lines[2]["key"] != nil {
		t.Errorf("log %v", lines)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	good := newSigner(t).public
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := base64.StdEncoding.DecodeString(good)
	tests := map[string][]string{
		"none":           nil,
		"three":          {good, good, good},
		"empty":          {""},
		"second empty":   {good, ""},
		"PEM":            {string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))},
		"no base64":      {"canary"},
		"cut":            {base64.StdEncoding.EncodeToString(der[:len(der)-1])},
		"not on a curve": {base64.StdEncoding.EncodeToString(append(bytes.Clone(der[:len(der)-1]), der[len(der)-1]^1))},
		"P-384":          {publicKey(t, &p384.PublicKey)},
		"RSA":            {publicKey(t, &rsaKey.PublicKey)},
	}
	for name, keys := range tests {
		c := hookConfig(t, &recorder{})
		c.Keys = keys
		h, err := NewWebhook(c)
		if err == nil || h != nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error %q repeats the key", name, err)
		}
		if name == "second empty" && !strings.Contains(err.Error(), "key 2") {
			t.Errorf("error %q does not say which key", err)
		}
	}
	c := hookConfig(t, &recorder{})
	c.Keys = []string{" " + good + "\n"}
	if _, err := NewWebhook(c); err != nil {
		t.Errorf("blanks around a key: %v", err)
	}
}

func TestBodyThatStartsWithADigit(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	h := newHook(t, &recorder{}, func(c *WebhookConfig) { c.Keys = []string{s.public} })
	for n := range 10 {
		body := strconv.Itoa(n) + "[]"
		if status := s.request(t, body).direct(h); status != http.StatusUnauthorized {
			t.Errorf("status %d with a body that starts with %d", status, n)
		}
	}
}
