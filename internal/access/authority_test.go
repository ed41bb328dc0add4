package access_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority is a CA.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// edit changes a certificate before it is signed.
type edit func(*x509.Certificate)

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func newAuthority(t testing.TB, edits ...edit) *authority {
	t.Helper()
	key := newKey(t)
	return &authority{key: key, cert: sign(t, key, nil, append([]edit{func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "test CA"}
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}}, edits...)...)}
}

// sign makes a certificate for a key, signed by a CA or, with none, by itself.
func sign(t testing.TB, key crypto.Signer, ca *authority, edits ...edit) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	for _, edit := range edits {
		edit(c)
	}
	if ca == nil {
		ca = &authority{cert: c, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca.cert, key.Public(), ca.key)
	must(t, err)
	signed, err := x509.ParseCertificate(der)
	must(t, err)
	return signed
}

// server issues a certificate for a server on loopback.
func (a *authority) server(t testing.TB, edits ...edit) tls.Certificate {
	t.Helper()
	return a.issue(t, append([]edit{func(c *x509.Certificate) {
		c.DNSNames, c.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}}, edits...)...)
}

// client issues a certificate for a caller.
func (a *authority) client(t testing.TB, edits ...edit) tls.Certificate {
	t.Helper()
	return a.issue(t, append([]edit{func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}}, edits...)...)
}

func (a *authority) issue(t testing.TB, edits ...edit) tls.Certificate {
	t.Helper()
	key := newKey(t)
	cert := sign(t, key, a, edits...)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func uri(names ...string) edit {
	return func(c *x509.Certificate) {
		for _, name := range names {
			parsed, err := url.Parse(name)
			if err != nil {
				panic(err)
			}
			c.URIs = append(c.URIs, parsed)
		}
	}
}

func dns(names ...string) edit { return func(c *x509.Certificate) { c.DNSNames = names } }
func cn(name string) edit      { return func(c *x509.Certificate) { c.Subject.CommonName = name } }
func serial(n int64) edit      { return func(c *x509.Certificate) { c.SerialNumber = big.NewInt(n) } }

func valid(from, to time.Duration) edit {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Now().Add(from), time.Now().Add(to) }
}

func certPEM(certs ...*x509.Certificate) (text []byte) {
	for _, c := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}

func keyPEM(t testing.TB, key crypto.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// write replaces a file, at once for those who read it.
func write(t testing.TB, path string, content []byte) {
	t.Helper()
	must(t, os.WriteFile(path+".new", content, 0o600))
	must(t, os.Rename(path+".new", path))
}

func writePair(t testing.TB, dir string, pair tls.Certificate) {
	t.Helper()
	write(t, filepath.Join(dir, "server.pem"), certPEM(pair.Leaf))
	write(t, filepath.Join(dir, "server-key.pem"), keyPEM(t, pair.PrivateKey))
}
