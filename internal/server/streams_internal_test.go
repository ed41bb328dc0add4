package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestStreamsPerCaller: a caller with too many streams is told to come back, others
// are not, and a stream that ends makes room.
func TestStreamsPerCaller(t *testing.T) {
	t.Parallel()
	all := newStreams()
	open := func(caller string, handler grpc.StreamHandler) error {
		return all.bound(nil, &streamIn{ctx: calledBy(t.Context(), caller)}, nil, handler)
	}
	nothing := func(any, grpc.ServerStream) error { return nil }
	var fill func(n int) error
	fill = func(n int) error {
		if n == 0 {
			if err := open("portal", nothing); !errors.Is(err, invitation.ErrUnavailable) {
				t.Errorf("one stream too many got %v", err)
			}
			return open("app", nothing)
		}
		return open("portal", func(any, grpc.ServerStream) error { return fill(n - 1) })
	}
	for range 2 {
		if n := all.all(); n != 0 || len(all.taken) > 0 {
			t.Errorf("%d streams are open", n)
		}
		if err := fill(streamsPerCaller); err != nil {
			t.Errorf("another caller, or the same one later, got %v", err)
		}
	}
}

func calledBy(ctx context.Context, caller string) context.Context {
	leaf := &x509.Certificate{URIs: []*url.URL{{Scheme: "spiffe", Host: caller}}}
	return peer.NewContext(ctx, &peer.Peer{AuthInfo: credentials.TLSInfo{State: tls.ConnectionState{
		PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf}},
	}}})
}
