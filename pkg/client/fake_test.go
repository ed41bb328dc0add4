package client_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/test/bufconn"

	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// Servers, clients, their network and their clock are in a bubble of package
// synctest, which does not end before its last goroutine: every test here is one of
// leaks too.

// server answers as its functions say, and by nothing where it has none.
type server struct {
	pb.UnimplementedInvitationServiceServer
	pb.UnimplementedRedemptionServiceServer
	send   func(context.Context, *pb.SendRequest) error
	watch  func(*pb.WatchEventsRequest, grpc.ServerStreamingServer[pb.WatchEventsResponse]) error
	sheets func(*pb.GenerateInfoSheetsRequest, sheetStream) error

	mu     sync.Mutex
	sends  []string // their request ids
	health *health.Server
	grpc   *grpc.Server
	listen *bufconn.Listener // nil while the server is down
}

// Send implements pb.InvitationServiceServer.
func (s *server) Send(ctx context.Context, req *pb.SendRequest) (*pb.SendResponse, error) {
	s.mu.Lock()
	s.sends = append(s.sends, req.GetRequestId())
	s.mu.Unlock()
	if s.send != nil {
		if err := s.send(ctx, req); err != nil {
			return nil, err
		}
	}
	return &pb.SendResponse{}, nil
}

// Preview implements pb.RedemptionServiceServer.
func (*server) Preview(context.Context, *pb.PreviewRequest) (*pb.PreviewResponse, error) {
	return &pb.PreviewResponse{DisplayName: "Anna Berg"}, nil
}

// WatchEvents implements pb.InvitationServiceServer.
func (s *server) WatchEvents(req *pb.WatchEventsRequest, stream grpc.ServerStreamingServer[pb.WatchEventsResponse]) error {
	return s.watch(req, stream)
}

// GenerateInfoSheets implements pb.InvitationServiceServer.
func (s *server) GenerateInfoSheets(req *pb.GenerateInfoSheetsRequest, stream sheetStream) error {
	return s.sheets(req, stream)
}

// requestIDs are those of the calls that came since it was last asked.
func (s *server) requestIDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := slices.Clone(s.sends)
	s.sends = nil
	return ids
}

func (s *server) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	// As the service's own: without it, the client's pings end its connections.
	pings := keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}
	s.grpc, s.health, s.listen = grpc.NewServer(grpc.KeepaliveEnforcementPolicy(pings)), health.NewServer(), bufconn.Listen(1<<16)
	s.health.SetServingStatus(pb.HealthLive, healthpb.HealthCheckResponse_SERVING)
	s.health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING) // as without a database
	pb.RegisterInvitationServiceServer(s.grpc, s)
	pb.RegisterRedemptionServiceServer(s.grpc, s)
	healthpb.RegisterHealthServer(s.grpc, s.health)
	go func() { _ = s.grpc.Serve(s.listen) }()
}

// stop breaks all connections, as a process that is killed.
func (s *server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listen = nil
	s.grpc.Stop()
}

func (s *server) dial(ctx context.Context) (net.Conn, error) {
	s.mu.Lock()
	listen := s.listen
	s.mu.Unlock()
	if listen == nil {
		return nil, errors.New("connection refused")
	}
	return listen.DialContext(ctx)
}

// connect starts the servers and a client of them all.
func connect(t *testing.T, servers ...*server) *client.Client {
	t.Helper()
	var addresses []resolver.Address
	for i, s := range servers {
		s.start()
		t.Cleanup(s.stop)
		addresses = append(addresses, resolver.Address{Addr: strconv.Itoa(i)})
	}
	names := manual.NewBuilderWithScheme("cluster")
	names.InitialState(resolver.State{Addresses: addresses})
	c, err := client.New("cluster:///", grpc.WithResolvers(names),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			i, err := strconv.Atoi(address)
			if err != nil {
				return nil, err
			}
			return servers[i].dial(ctx)
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
