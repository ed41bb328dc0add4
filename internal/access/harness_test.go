package access_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/kiwi-ki/invitations/internal/access"
	"github.com/kiwi-ki/invitations/internal/dev/harness"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

var must = harness.Must

const (
	portal = "spiffe://kiwi.ki/portal"
	app    = "spiffe://kiwi.ki/app"
	ops    = "spiffe://kiwi.ki/ops"
	glass  = "spiffe://kiwi.ki/break-glass"
)

// world is a server with a CA and files of its own, on a port of loopback.
type world struct {
	t      testing.TB
	ca     *authority
	dir    string
	access *access.Access
	logs   *harness.Log
	grpc   *grpc.Server
	health *health.Server
	addr   string
	// refusals are handshakes that failed; what nobody reads is dropped.
	refusals chan error
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, ca: newAuthority(t), dir: t.TempDir(), logs: &harness.Log{}, health: health.NewServer(), refusals: make(chan error, 100)}
	writePair(t, w.dir, w.ca.server(t))
	write(t, w.path("ca.pem"), certPEM(w.ca.cert))
	policy, err := os.ReadFile("../../deploy/access-policy.json")
	must(t, err)
	write(t, w.path("policy.json"), policy)
	w.access, err = access.New(w.config())
	must(t, err)
	t.Cleanup(w.access.Close)
	w.serve()
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) config() access.Config {
	return access.Config{
		CertFile: w.path("server.pem"), KeyFile: w.path("server-key.pem"),
		ClientCAFile: w.path("ca.pem"), PolicyFile: w.path("policy.json"),
		// Tests say themselves when it is time to look.
		Refresh: time.Hour, Logger: slog.New(slog.NewJSONHandler(w.logs, nil)),
	}
}

func (w *world) serve() {
	w.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(w.t, err)
	w.addr = listener.Addr().String()
	s := grpc.NewServer(grpc.Creds(&recorder{w.access.Credentials(), w.refusals}),
		grpc.ChainUnaryInterceptor(funnelUnary, w.access.Unary(), answerUnary),
		grpc.ChainStreamInterceptor(funnelStream, w.access.Stream(), answerStream),
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return status.Error(codes.Unimplemented, "unknown") }))
	pb.RegisterInvitationServiceServer(s, struct {
		pb.UnimplementedInvitationServiceServer
	}{})
	pb.RegisterOrganizationServiceServer(s, struct {
		pb.UnimplementedOrganizationServiceServer
	}{})
	pb.RegisterOperationsServiceServer(s, struct {
		pb.UnimplementedOperationsServiceServer
	}{})
	pb.RegisterUserServiceServer(s, struct {
		pb.UnimplementedUserServiceServer
	}{})
	pb.RegisterRedemptionServiceServer(s, struct {
		pb.UnimplementedRedemptionServiceServer
	}{})
	healthpb.RegisterHealthServer(s, w.health)
	reflection.Register(s)
	w.grpc = s
	go func() { _ = s.Serve(listener) }()
	w.t.Cleanup(s.Stop)
}

// recorder tells how handshakes fail, which callers are not told.
type recorder struct {
	credentials.TransportCredentials
	refusals chan error
}

// ServerHandshake implements credentials.TransportCredentials.
func (r *recorder) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secure, info, err := r.TransportCredentials.ServerHandshake(c)
	if err != nil {
		select {
		case r.refusals <- err:
		default:
		}
	}
	return secure, info, err
}

// funnel turns errors into statuses, as the real server does.
func funnel(err error) error {
	switch {
	case errors.Is(err, access.ErrUnknown):
		return status.Error(codes.Unauthenticated, "unknown")
	case errors.Is(err, access.ErrNotAllowed):
		return status.Error(codes.PermissionDenied, "not allowed")
	default:
		return err
	}
}

func funnelUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	resp, err := next(ctx, req)
	return resp, funnel(err)
}

func funnelStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return funnel(next(srv, stream))
}

// answerUnary stands for every handler: it answers with an empty message, and
// says in the trailer who called.
func answerUnary(ctx context.Context, _ any, call *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
	method, err := protoregistry.GlobalFiles.FindDescriptorByName(methodName(call.FullMethod))
	if err != nil {
		return nil, err
	}
	empty := dynamicpb.NewMessage(method.(protoreflect.MethodDescriptor).Output())
	return empty, grpc.SetTrailer(ctx, metadata.Pairs("caller", access.Caller(ctx)))
}

// answerStream does the same for streams, except for those that a test watches.
func answerStream(srv any, stream grpc.ServerStream, call *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	stream.SetTrailer(metadata.Pairs("caller", access.Caller(stream.Context())))
	_, unknown := protoregistry.GlobalFiles.FindDescriptorByName(methodName(call.FullMethod))
	if unknown != nil || len(metadata.ValueFromIncomingContext(stream.Context(), "watch")) > 0 {
		return next(srv, stream)
	}
	return nil
}

func methodName(path string) protoreflect.FullName {
	return protoreflect.FullName(strings.ReplaceAll(path[1:], "/", "."))
}

// dial opens a connection of its own, which tells the server's certificate.
func (w *world) dial(creds credentials.TransportCredentials) *grpc.ClientConn {
	w.t.Helper()
	conn, err := grpc.NewClient(w.addr, grpc.WithTransportCredentials(creds))
	must(w.t, err)
	w.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// as returns credentials that show a certificate, even one that the server did
// not ask for.
func (w *world) as(cert tls.Certificate, edits ...func(*tls.Config)) credentials.TransportCredentials {
	c := &tls.Config{
		RootCAs:              w.ca.pool(),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil },
	}
	for _, edit := range edits {
		edit(c)
	}
	return credentials.NewTLS(c)
}

// named returns credentials with a certificate for an identity.
func (w *world) named(identity string) credentials.TransportCredentials {
	w.t.Helper()
	return w.as(w.ca.client(w.t, uri(identity)))
}

// call calls any method with an empty message and returns who the server says
// called.
func call(ctx context.Context, conn *grpc.ClientConn, method string, options ...grpc.CallOption) (caller string, err error) {
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method, options...)
	if err != nil {
		return "", err
	}
	// Both fail with io.EOF when the server is done already.
	_ = stream.SendMsg(&emptypb.Empty{})
	_ = stream.CloseSend()
	for err == nil {
		err = stream.RecvMsg(&emptypb.Empty{})
	}
	if !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.Join(stream.Trailer().Get("caller"), " "), nil
}

// getUser is a method that the portal may call, and operations.
const getUser = pb.UserService_GetUser_FullMethodName

// want fails unless getUser answers this way.
func want(t testing.TB, conn *grpc.ClientConn, code codes.Code) {
	t.Helper()
	if _, err := call(t.Context(), conn, getUser); status.Code(err) != code {
		t.Errorf("got %v, want %v", err, code)
	}
}
