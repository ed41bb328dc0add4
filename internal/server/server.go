package server

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"time"

	"buf.build/go/protovalidate"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// Limits on what one caller can ask of the server.
const (
	maxHeader     = 8 << 10
	maxStreams    = 128
	handshakeTime = 5 * time.Second
	// defaultDeadline is for callers that set none, longestCall for all.
	defaultDeadline = 10 * time.Second
	longestCall     = 30 * time.Second
	// streamAge is how long a stream may last, and streamGrace how long a connection
	// that has come of age waits for its streams: longer, so that every stream ends
	// with a reason.
	streamAge   = 10 * time.Minute
	streamGrace = 12 * time.Minute
)

// Config is what a Server needs.
type Config struct {
	Store      invitation.Store
	Operations Operations
	Linker     *invitation.Linker
	// Version and Commit say what this server is.
	Version, Commit string
	// Validity is how long an issued invitation is good.
	Validity time.Duration
	// StalledAfter is how long the provider may take to tell about a mail that
	// it took.
	StalledAfter time.Duration
	Logger       *slog.Logger
	// Observe hears of every call that has ended; nil for nobody. A method is one of
	// the API's, or "unknown".
	Observe func(method, code, reason string, stream bool, took time.Duration)
	// Trace begins to follow a call of the API, and hears how it ended; nil for nobody.
	Trace func(ctx context.Context, method string) (context.Context, func(code codes.Code, reason string))
	// InvalidTokens limits a caller's invalid tokens.
	InvalidTokens InvalidTokens
	// Access lets callers in; nil for plaintext, where nobody knows them.
	Access Access
	// Ping reports whether the database takes writes, PingReads whether it can be
	// read; they decide about health. Without PingReads, Ping stands for both.
	// PingDelivery tells whether mails go out; without it nobody says so.
	Ping, PingReads, PingDelivery func(ctx context.Context) error
	// StreamAge is how long a stream may last, up to a tenth more. Zero stands for
	// 10 minutes.
	StreamAge time.Duration
}

// Server serves the API on gRPC.
type Server struct {
	*grpc.Server
	health *health.Server
	config Config
	// endStreams tells streams that the server drains.
	endStreams context.CancelFunc
	// methods are all that there are, and true for those that may last; streams are
	// those that are open.
	methods map[string]bool
	streams streams
}

// CertificateExpiry is when the server's own certificate expires, and when the last
// CA of its callers does; zero without TLS.
func (s *Server) CertificateExpiry() (server, callers time.Time) {
	if s.config.Access == nil {
		return server, callers
	}
	return s.config.Access.Expiry()
}

// OpenStreams is how many streams are open.
func (s *Server) OpenStreams() int { return s.streams.all() }

// New returns a Server to be started with Serve.
func New(c Config) (*Server, error) {
	validator, err := protovalidate.New(protovalidate.WithMessages(requests()...))
	if err != nil {
		return nil, fmt.Errorf("compile the rules of requests: %w", err)
	}
	draining, endStreams := context.WithCancel(context.Background())
	if c.StreamAge == 0 {
		c.StreamAge = streamAge
	}
	if c.PingReads == nil {
		c.PingReads = c.Ping
	}
	s := &Server{health: health.NewServer(), config: c, endStreams: endStreams, methods: map[string]bool{}, streams: newStreams()}
	s.Server = grpc.NewServer(append(s.interceptors(validator, draining),
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return errMethodUnknown }),
		grpc.MaxRecvMsgSize(maxMessage), grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(16*window), grpc.MaxHeaderListSize(maxHeader), grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(handshakeTime), grpc.WaitForHandlers(true), grpc.InTapHandle(s.boundCall),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: time.Minute, Timeout: 10 * time.Second, MaxConnectionIdle: 5 * time.Minute,
			MaxConnectionAge: 30 * time.Minute, MaxConnectionAgeGrace: streamGrace,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	)...)
	api := api{c, validator}
	in := intake{s.Server, newTurns(batchesAtOnce)}
	pb.RegisterInvitationServiceServer(in, &invitationService{
		api: api, printing: newShares(printsPerOrganization), pens: semaphore.NewWeighted(max(1, int64(runtime.GOMAXPROCS(0)/2))),
	})
	pb.RegisterUserServiceServer(in, &userService{api: api})
	pb.RegisterOrganizationServiceServer(in, &organizationService{api: api})
	pb.RegisterOperationsServiceServer(in, &operationsService{api: api})
	pb.RegisterRedemptionServiceServer(in, &redemptionService{api: api, throttle: newThrottle(c.InvalidTokens)})
	healthpb.RegisterHealthServer(s, s.health)
	reflection.Register(s)
	maps.Copy(s.methods, methodsOf(s.GetServiceInfo()))
	s.health.SetServingStatus(pb.HealthLive, healthpb.HealthCheckResponse_SERVING)
	s.setHealth(healthpb.HealthCheckResponse_NOT_SERVING, healthpb.HealthCheckResponse_NOT_SERVING)
	return s, nil
}

// interceptors are, from the outside in: log the outcome, turn errors into
// statuses, let the caller in, bound the time, read the request, check the fields.
func (s *Server) interceptors(v protovalidate.Validator, draining context.Context) []grpc.ServerOption {
	c := s.config
	told := ended{c.Logger, c.Observe, c.Trace, s.methods}
	unary := []grpc.UnaryServerInterceptor{told.unary, statusUnary(c.Logger)}
	stream := []grpc.StreamServerInterceptor{told.stream, statusStream(c.Logger)}
	var options []grpc.ServerOption
	if c.Access != nil {
		unary = append(unary, c.Access.Unary())
		stream = append(stream, c.Access.Stream())
		options = append(options, grpc.Creds(c.Access.Credentials()))
	}
	unary = append(unary, deadlineUnary, takeIn, validateUnary(v))
	stream = append(stream, s.streams.bound, endStream(draining, c.StreamAge), takeInStream(), validateStream(v))
	return append(options, grpc.ChainUnaryInterceptor(unary...), grpc.ChainStreamInterceptor(stream...))
}

// Access lets callers in; see package access.
type Access interface {
	Credentials() credentials.TransportCredentials
	Unary() grpc.UnaryServerInterceptor
	Stream() grpc.StreamServerInterceptor
	// Expiry is when the server's own certificate expires, and when the last CA of
	// callers does.
	Expiry() (server, callers time.Time)
}

// Watch keeps the health status true to the database's, until the context ends.
func (s *Server) Watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	said := &complaint{log: s.config.Logger}
	for {
		writes := s.config.Ping(ctx)
		s.setHealth(serving(s.config.PingReads(ctx)), serving(writes))
		if s.config.PingDelivery != nil {
			s.health.SetServingStatus(pb.HealthDelivery, serving(s.config.PingDelivery(ctx)))
		}
		if ctx.Err() == nil {
			said.note(ctx, writes)
		}
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

func (s *Server) setHealth(reads, writes healthpb.HealthCheckResponse_ServingStatus) {
	s.health.SetServingStatus(pb.HealthReads, reads)
	s.health.SetServingStatus(pb.HealthWrites, writes)
	s.health.SetServingStatus("", writes)
	for name := range s.GetServiceInfo() {
		s.health.SetServingStatus(name, writes)
	}
}

func serving(err error) healthpb.HealthCheckResponse_ServingStatus {
	if err != nil {
		return healthpb.HealthCheckResponse_NOT_SERVING
	}
	return healthpb.HealthCheckResponse_SERVING
}

// api is what the services share.
type api struct {
	Config
	validator protovalidate.Validator
}

// requests lists every request message of the API.
func requests() (all []proto.Message) {
	for _, method := range methods() {
		all = append(all, newMessage(method.Input()))
	}
	return all
}

// methods lists every method of the API.
func methods() (all []protoreflect.MethodDescriptor) {
	protoregistry.GlobalFiles.RangeFilesByPackage(pb.File_kiwi_invitation_v1_event_proto.Package(), func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			of := file.Services().Get(i).Methods()
			for j := range of.Len() {
				all = append(all, of.Get(j))
			}
		}
		return true
	})
	return all
}

// newMessage returns an empty message of a generated type.
func newMessage(d protoreflect.MessageDescriptor) proto.Message {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic(fmt.Sprintf("message %s is not linked in: %v", d.FullName(), err))
	}
	return kind.New().Interface()
}
