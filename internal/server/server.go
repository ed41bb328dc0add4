package server

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// Limits on what one caller can ask of the server.
const (
	maxMessage    = 64 << 10
	maxHeader     = 8 << 10
	maxStreams    = 128
	handshakeTime = 5 * time.Second
	// defaultDeadline is for callers that set none, longestCall for all.
	defaultDeadline = 10 * time.Second
	longestCall     = 30 * time.Second
)

// Config is what a Server needs.
type Config struct {
	Store  invitation.Store
	Linker *invitation.Linker
	// Validity is how long an issued invitation is good.
	Validity time.Duration
	// StalledAfter is how long the provider may take to tell about a mail that
	// it took.
	StalledAfter time.Duration
	Logger       *slog.Logger
	// InvalidTokens limits a caller's invalid tokens.
	InvalidTokens InvalidTokens
	// Access lets callers in; nil for plaintext, where nobody knows them.
	Access Access
	// Woken returns a channel that is closed when there may be new events; nil
	// if nobody tells.
	Woken func() <-chan struct{}
	// Ping reports whether the database is there; it decides about health.
	Ping func(ctx context.Context) error
}

// Server serves the API on gRPC.
type Server struct {
	*grpc.Server
	health *health.Server
	ping   func(ctx context.Context) error
	// endStreams tells streams that the server drains.
	endStreams context.CancelFunc
	// streaming holds the methods that may last.
	streaming map[string]bool
}

// New returns a Server to be started with Serve.
func New(c Config) (*Server, error) {
	validator, err := protovalidate.New(protovalidate.WithMessages(requests()...))
	if err != nil {
		return nil, fmt.Errorf("compile the rules of requests: %w", err)
	}
	draining, endStreams := context.WithCancel(context.Background())
	s := &Server{health: health.NewServer(), ping: c.Ping, endStreams: endStreams}
	s.Server = grpc.NewServer(append(c.interceptors(validator, draining),
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return errMethodUnknown }),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxHeaderListSize(maxHeader), grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(handshakeTime), grpc.WaitForHandlers(true), grpc.InTapHandle(s.boundCall),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: time.Minute, Timeout: 10 * time.Second, MaxConnectionIdle: 5 * time.Minute,
			MaxConnectionAge: 30 * time.Minute, MaxConnectionAgeGrace: time.Minute,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	)...)
	api := api{c}
	pb.RegisterInvitationServiceServer(s, &invitationService{api: api})
	pb.RegisterUserServiceServer(s, &userService{api: api})
	pb.RegisterRedemptionServiceServer(s, &redemptionService{api: api, throttle: newThrottle(c.InvalidTokens)})
	healthpb.RegisterHealthServer(s, s.health)
	reflection.Register(s)
	s.streaming = streaming(s.GetServiceInfo())
	s.setHealth(healthpb.HealthCheckResponse_NOT_SERVING)
	return s, nil
}

// interceptors are, from the outside in: log the outcome, turn errors into
// statuses, let the caller in, bound the time, check the fields.
func (c Config) interceptors(v protovalidate.Validator, draining context.Context) []grpc.ServerOption {
	unary := []grpc.UnaryServerInterceptor{logUnary(c.Logger), statusUnary(c.Logger)}
	stream := []grpc.StreamServerInterceptor{logStream(c.Logger), statusStream(c.Logger)}
	var options []grpc.ServerOption
	if c.Access != nil {
		unary = append(unary, c.Access.Unary())
		stream = append(stream, c.Access.Stream())
		options = append(options, grpc.Creds(c.Access.Credentials()))
	}
	unary = append(unary, deadlineUnary, validateUnary(v))
	stream = append(stream, drainStream(draining), validateStream(v))
	return append(options, grpc.ChainUnaryInterceptor(unary...), grpc.ChainStreamInterceptor(stream...))
}

// Access lets callers in; see package access.
type Access interface {
	Credentials() credentials.TransportCredentials
	Unary() grpc.UnaryServerInterceptor
	Stream() grpc.StreamServerInterceptor
}

// Watch keeps the health status true to the database's, until the context ends.
func (s *Server) Watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		status := healthpb.HealthCheckResponse_SERVING
		if s.ping(ctx) != nil {
			status = healthpb.HealthCheckResponse_NOT_SERVING
		}
		s.setHealth(status)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Drain takes no new call, ends streams and waits for the calls in flight, until
// the context ends.
func (s *Server) Drain(ctx context.Context) {
	s.health.Shutdown()
	s.endStreams()
	drained := make(chan struct{})
	go func() {
		s.GracefulStop()
		close(drained)
	}()
	select {
	case <-drained:
	case <-ctx.Done():
		s.Stop()
		<-drained
	}
}

func (s *Server) setHealth(status healthpb.HealthCheckResponse_ServingStatus) {
	s.health.SetServingStatus("", status)
	for name := range s.GetServiceInfo() {
		s.health.SetServingStatus(name, status)
	}
}

// api is what the three services share.
type api struct{ Config }
