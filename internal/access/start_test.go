package access_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/kiwi-ki/invitations/internal/access"
)

// TestNewRefuses what would be wrong later, and tells none of it.
func TestNewRefuses(t *testing.T) {
	t.Parallel()
	weakRSA, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	weakCurve, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	must(t, err)
	for name, test := range map[string]struct {
		spoil   func(w *world)
		problem string
	}{
		"no certificate":     {func(w *world) { must(t, os.Remove(w.path("server.pem"))) }, "no such file"},
		"no key":             {func(w *world) { must(t, os.Remove(w.path("server-key.pem"))) }, "no such file"},
		"no CA":              {func(w *world) { must(t, os.Remove(w.path("ca.pem"))) }, "no such file"},
		"no policy":          {func(w *world) { must(t, os.Remove(w.path("policy.json"))) }, "no such file"},
		"empty certificate":  {func(w *world) { write(t, w.path("server.pem"), nil) }, "0 of 0 PEM blocks"},
		"empty key":          {func(w *world) { write(t, w.path("server-key.pem"), nil) }, "find any PEM data in key"},
		"empty CA":           {func(w *world) { write(t, w.path("ca.pem"), nil) }, "0 of 0 PEM blocks"},
		"another's key":      {func(w *world) { write(t, w.path("server-key.pem"), keyPEM(t, newKey(t))) }, "does not match"},
		"key as certificate": {func(w *world) { write(t, w.path("server.pem"), keyPEM(t, newKey(t))) }, "something else"},
		"key among the CAs": {func(w *world) {
			write(t, w.path("ca.pem"), append(certPEM(w.ca.cert), keyPEM(t, newKey(t))...))
		}, "something else"},
		"half a chain": {func(w *world) {
			pair := w.ca.server(t)
			writePair(t, w.dir, pair)
			write(t, w.path("server.pem"), append(certPEM(pair.Leaf), certPEM(w.ca.cert)[:300]...))
		}, "1 of 2 PEM blocks"},
		"no DER inside": {func(w *world) {
			write(t, w.path("ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("canary")}))
		}, "can't be parsed"},
		"caller as CA": {func(w *world) { write(t, w.path("ca.pem"), certPEM(w.ca.client(t, uri(portal)).Leaf)) }, "not that of a CA"},
		"CA that may not sign": {func(w *world) {
			write(t, w.path("ca.pem"), certPEM(newAuthority(t, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }).cert))
		}, "not that of a CA"},
		"expired CA": {func(w *world) {
			write(t, w.path("ca.pem"), certPEM(newAuthority(t, valid(-2*time.Hour, -time.Hour)).cert))
		}, "no certificate is valid"},
		"CA of the future": {func(w *world) {
			write(t, w.path("ca.pem"), certPEM(newAuthority(t, valid(time.Hour, 2*time.Hour)).cert))
		}, "no certificate is valid"},
		"weak CA": {func(w *world) {
			write(t, w.path("ca.pem"), certPEM(sign(t, weakRSA, nil, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true })))
		}, "RSA of 1024 bits"},
		"weak certificate": {func(w *world) {
			writePair(t, w.dir, tls.Certificate{Leaf: sign(t, weakCurve, w.ca, dns("localhost")), PrivateKey: weakCurve})
		}, "ECDSA of 224 bits"},
		"expired certificate": {func(w *world) { writePair(t, w.dir, w.ca.server(t, valid(-2*time.Hour, -time.Hour))) }, "which is not now"},
		"certificate of the future": {
			func(w *world) { writePair(t, w.dir, w.ca.server(t, valid(time.Hour, 2*time.Hour))) }, "which is not now",
		},
		"a caller's certificate": {func(w *world) { writePair(t, w.dir, w.ca.client(t, uri(portal))) }, "not meant for a server"},
		"certificate without SAN": {func(w *world) {
			writePair(t, w.dir, w.ca.issue(t, cn("localhost")))
		}, "has no SAN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.spoil(w)
			refused(t, w.config(), test.problem)
		})
	}
}

// refused fails unless there is no Access, for this reason.
func refused(t *testing.T, c access.Config, problem string) {
	t.Helper()
	a, err := access.New(c)
	if err == nil {
		a.Close()
		t.Fatalf("there was no error, want %q", problem)
	}
	if text := err.Error(); !strings.Contains(text, problem) || strings.Contains(text, "BEGIN") || strings.Contains(text, "canary") {
		t.Errorf("got %q, want %q", text, problem)
	}
}

// TestNewNeedsAllFiles: none has a default.
func TestNewNeedsAllFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, file := range []func(*access.Config) *string{
		func(c *access.Config) *string { return &c.CertFile },
		func(c *access.Config) *string { return &c.KeyFile },
		func(c *access.Config) *string { return &c.ClientCAFile },
		func(c *access.Config) *string { return &c.PolicyFile },
	} {
		c := w.config()
		*file(&c) = ""
		refused(t, c, "no file is set")
	}
}

// TestOtherKeys: RSA and Ed25519 serve as well.
func TestOtherKeys(t *testing.T) {
	t.Parallel()
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	w := newWorld(t)
	for _, pair := range []tls.Certificate{
		{Leaf: sign(t, strong, w.ca, dns("localhost"), serial(1)), PrivateKey: strong},
		{Leaf: sign(t, edwards, w.ca, uri("spiffe://kiwi.ki/invitations"), serial(2)), PrivateKey: edwards},
	} {
		writePair(t, w.dir, pair)
		a, err := access.New(w.config())
		must(t, err)
		a.Close()
	}
}

// TestCallerOfNoConnection: where there is no TLS there is no identity.
func TestCallerOfNoConnection(t *testing.T) {
	t.Parallel()
	for _, ctx := range []context.Context{t.Context(), peer.NewContext(t.Context(), &peer.Peer{})} {
		if got := access.Caller(ctx); got != "" {
			t.Errorf("the caller is %q", got)
		}
	}
}

// TestPolicyThatCannotDecide: a call that authz can't read, as over a socket
// without a port, fails with an error that is neither a refusal nor a status.
func TestPolicyThatCannotDecide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	leaf := w.ca.client(t, uri(ops)).Leaf
	ctx := peer.NewContext(t.Context(), &peer.Peer{AuthInfo: credentials.TLSInfo{State: tls.ConnectionState{
		PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf, w.ca.cert}},
	}}})
	if got := access.Caller(ctx); got != ops {
		t.Errorf("the caller is %q", got)
	}
	_, err := w.access.Unary()(ctx, nil, nil, func(context.Context, any) (any, error) { return nil, nil })
	if _, isStatus := status.FromError(err); err == nil || isStatus || errors.Is(err, access.ErrNotAllowed) || errors.Is(err, access.ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

// TestCallerUnverified: a certificate that nobody verified names nobody.
func TestCallerUnverified(t *testing.T) {
	t.Parallel()
	leaf := newAuthority(t).client(t, uri(ops)).Leaf
	ctx := peer.NewContext(t.Context(), &peer.Peer{AuthInfo: credentials.TLSInfo{
		State: tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}},
	}})
	if got := access.Caller(ctx); got != "" {
		t.Errorf("the caller is %q", got)
	}
}
