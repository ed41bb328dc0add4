package access

import (
	"context"
	"crypto/x509"
	"strings"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// Caller returns the identity of a call's peer, the same one that the policy
// sees: its certificate's URI SAN, else its DNS SAN, as it is written there. It
// is empty for plaintext, for a certificate that nobody verified, and for one
// without exactly one such name.
func Caller(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 {
		return ""
	}
	return identity(info.State.PeerCertificates[0])
}

func identity(c *x509.Certificate) string {
	switch {
	case len(c.URIs) == 1:
		return c.URIs[0].String()
	case len(c.URIs) == 0 && len(c.DNSNames) == 1 && !strings.ContainsAny(c.DNSNames[0], ":/"):
		// A name with these is no DNS name, and could pass for a URI.
		return c.DNSNames[0]
	default:
		return ""
	}
}
