package access

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The least bits of a key: NIST SP 800-57, 112 bits of security and more.
const (
	minRSA   = 2048
	minCurve = 256
)

// parsePair reads a certificate chain and the key to its first certificate.
func parsePair(contents [][]byte) (*tls.Certificate, error) {
	chain, err := parseCertificates(contents[0])
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for _, c := range chain {
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return nil, fmt.Errorf("a certificate is valid from %v to %v, which is not now", c.NotBefore, c.NotAfter)
		}
		if err := checkKey(c.PublicKey); err != nil {
			return nil, err
		}
	}
	return &pair, checkServer(chain[0])
}

// checkServer refuses a certificate that every caller would refuse.
func checkServer(c *x509.Certificate) error {
	anyUse := len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0
	if !anyUse && !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) && !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return errors.New("the certificate is not meant for a server")
	}
	if len(c.DNSNames)+len(c.IPAddresses)+len(c.URIs) == 0 {
		return errors.New("the certificate names no server: it has no SAN")
	}
	return nil
}

// authorities are the CAs of callers; the last of them expires then.
type authorities struct {
	pool  *x509.CertPool
	until time.Time
}

// parseCAs reads CA certificates, of which one at least has to be valid.
func parseCAs(contents [][]byte) (*authorities, error) {
	cas, err := parseCertificates(contents[0])
	if err != nil {
		return nil, err
	}
	all, valid, now := &authorities{pool: x509.NewCertPool()}, 0, time.Now()
	for _, c := range cas {
		if !c.BasicConstraintsValid || !c.IsCA || c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0 {
			return nil, errors.New("a certificate is not that of a CA")
		}
		if err := checkKey(c.PublicKey); err != nil {
			return nil, err
		}
		if now.After(c.NotAfter) {
			continue
		}
		if !now.Before(c.NotBefore) {
			valid++
		}
		all.pool.AddCert(c)
		if c.NotAfter.After(all.until) {
			all.until = c.NotAfter
		}
	}
	if valid == 0 {
		return nil, errors.New("no certificate is valid now")
	}
	return all, nil
}

// parseCertificates reads PEM that holds certificates and nothing else. It is
// stricter than the standard library, which passes over what is broken: a file
// cut off in its middle would be one with fewer certificates.
func parseCertificates(text []byte) ([]*x509.Certificate, error) {
	blocks := bytes.Count(text, []byte("-----BEGIN "))
	var all []*x509.Certificate
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, errors.New("among certificates there is something else")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			// The cause may quote names.
			return nil, errors.New("a certificate can't be parsed")
		}
		all = append(all, c)
	}
	if len(all) == 0 || len(all) != blocks {
		return nil, fmt.Errorf("%d of %d PEM blocks are certificates", len(all), blocks)
	}
	return all, nil
}

func checkKey(public any) error {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA {
			return fmt.Errorf("a key is weak: RSA of %d bits, and %d are needed", bits, minRSA)
		}
	case *ecdsa.PublicKey:
		if bits := key.Curve.Params().BitSize; bits < minCurve {
			return fmt.Errorf("a key is weak: ECDSA of %d bits, and %d are needed", bits, minCurve)
		}
	case ed25519.PublicKey:
	default:
		return fmt.Errorf("a key is of type %T: RSA, ECDSA and Ed25519 are known", public)
	}
	return nil
}
