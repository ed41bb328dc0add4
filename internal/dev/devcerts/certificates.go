package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

const (
	caLife   = 365 * 24 * time.Hour
	leafLife = 90 * 24 * time.Hour
	// skew lets clocks differ.
	skew = time.Minute
)

// callers are the names that the policy in deploy/ knows.
var callers = []string{"portal", "app", "ops", "break-glass"}

// makeAll brings a directory up to date and returns the files that it made. What
// is good stays as it is.
func makeAll(dir string, now time.Time) (made []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the directory: %w", err)
	}
	ca, isNew, err := ensure(dir, "ca", caTemplate(), nil, now)
	if err != nil {
		return nil, err
	}
	if isNew {
		made = append(made, certFile(dir, "ca"))
	}
	leafs := map[string]*x509.Certificate{"server": serverTemplate()}
	for _, name := range callers {
		leafs[name] = callerTemplate(name)
	}
	for _, name := range append([]string{"server"}, callers...) {
		_, isNew, err := ensure(dir, name, leafs[name], ca, now)
		if err != nil {
			return made, err
		}
		if isNew {
			made = append(made, certFile(dir, name))
		}
	}
	return made, nil
}

func caTemplate() *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: "KIWI Invitations development CA"},
		IsCA:    true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func serverTemplate() *x509.Certificate {
	return &x509.Certificate{
		Subject:  pkix.Name{CommonName: "server"},
		DNSNames: []string{"localhost"},
		// `invitationd health` asks the server with the server's own certificate.
		URIs:        []*url.URL{{Scheme: "spiffe", Host: "kiwi.ki", Path: "/invitations"}},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1).To4(), net.IPv6loopback},
		KeyUsage:    x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func callerTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:  pkix.Name{CommonName: name},
		URIs:     []*url.URL{{Scheme: "spiffe", Host: "kiwi.ki", Path: "/" + name}},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

func certFile(dir, name string) string { return filepath.Join(dir, name+".pem") }
func keyFile(dir, name string) string  { return filepath.Join(dir, name+"-key.pem") }

// ensure returns a name's certificate and key, made anew if those in the
// directory won't do. Without a CA the certificate signs itself.
func ensure(dir, name string, template *x509.Certificate, ca *tls.Certificate, now time.Time) (pair *tls.Certificate, isNew bool, err error) {
	if pair, ok := read(dir, name); ok && good(pair.Leaf, template, ca, now) {
		return pair, false, nil
	}
	pair, err = issue(template, ca, now)
	if err != nil {
		return nil, false, fmt.Errorf("make a certificate for %s: %w", name, err)
	}
	if err := write(dir, name, pair); err != nil {
		return nil, false, fmt.Errorf("write the certificate of %s: %w", name, err)
	}
	return pair, true, nil
}

// read returns what is there, if it can be used: broken files are replaced.
func read(dir, name string) (*tls.Certificate, bool) {
	pair, err := tls.LoadX509KeyPair(certFile(dir, name), keyFile(dir, name))
	return &pair, err == nil
}

// good says whether a certificate is what would be made now, with more than a
// third of its life left.
func good(c, template *x509.Certificate, ca *tls.Certificate, now time.Time) bool {
	signer := c
	if ca != nil {
		signer = ca.Leaf
	}
	return c.CheckSignatureFrom(signer) == nil && sans(c) == sans(template) && c.IsCA == template.IsCA &&
		now.After(c.NotBefore) && now.Before(c.NotAfter.Add(-c.NotAfter.Sub(c.NotBefore)/3))
}

func sans(c *x509.Certificate) string { return fmt.Sprint(c.DNSNames, c.IPAddresses, c.URIs) }

func issue(template *x509.Certificate, ca *tls.Certificate, now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template.NotBefore, template.NotAfter = now.Add(-skew), now.Add(leafLife)
	signer, signKey := template, crypto.PrivateKey(key)
	if ca != nil {
		signer, signKey = ca.Leaf, ca.PrivateKey
	} else {
		template.NotAfter = now.Add(caLife)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, key.Public(), signKey)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

// write replaces both files. Of a pair that is cut in two by a crash, the next
// run makes a whole one.
func write(dir, name string, pair *tls.Certificate) error {
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return err
	}
	if err := replace(keyFile(dir, name), &pem.Block{Type: "PRIVATE KEY", Bytes: der}, 0o600); err != nil {
		return err
	}
	return replace(certFile(dir, name), &pem.Block{Type: "CERTIFICATE", Bytes: pair.Leaf.Raw}, 0o644)
}

// replace gives a file a new content at once, as a server may be reading it.
func replace(path string, block *pem.Block, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if err := pem.Encode(f, block); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Chmod(mode); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
