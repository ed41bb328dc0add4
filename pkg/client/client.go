package client

import (
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	_ "google.golang.org/grpc/health" // has the balancer look at servers' health
	"google.golang.org/grpc/keepalive"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// serviceConfig spreads calls over the servers that are alive. Whether a server
// reaches its database is nobody's reason to leave it: the others have the same.
const serviceConfig = `{
  "loadBalancingConfig": [{"round_robin": {}}],
  "healthCheckConfig": {"serviceName": "` + pb.HealthLive + `"}
}`

// A server that does not answer is given up after 20 seconds. The service allows a
// ping every ten.
var pings = keepalive.ClientParameters{Time: 15 * time.Second, Timeout: 5 * time.Second}

// A server that is back is found again within seconds, not within the two minutes
// of gRPC's own setting.
var connecting = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second},
	MinConnectTimeout: 5 * time.Second,
}

// Client has the service's interfaces on one connection. It is safe for
// concurrent use.
type Client struct {
	pb.InvitationServiceClient
	pb.UserServiceClient
	pb.OrganizationServiceClient
	pb.RedemptionServiceClient

	conn *grpc.ClientConn
}

// New returns a Client of the service at target, such as "dns:///invitations:443".
// It connects with the first call. The options need to hold credentials; they win
// over the package's own.
func New(target string, options ...grpc.DialOption) (*Client, error) {
	conn, err := grpc.NewClient(target, append([]grpc.DialOption{
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithKeepaliveParams(pings),
		grpc.WithConnectParams(connecting),
		grpc.WithChainUnaryInterceptor(retry, passOnUnary), grpc.WithChainStreamInterceptor(passOnStream),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the invitation service: %w", err)
	}
	return &Client{
		InvitationServiceClient:   pb.NewInvitationServiceClient(conn),
		UserServiceClient:         pb.NewUserServiceClient(conn),
		OrganizationServiceClient: pb.NewOrganizationServiceClient(conn),
		RedemptionServiceClient:   pb.NewRedemptionServiceClient(conn),
		conn:                      conn,
	}, nil
}

// Close closes the connection. Calls and loops over Watch that are under way end
// with an error.
func (c *Client) Close() error { return c.conn.Close() }
