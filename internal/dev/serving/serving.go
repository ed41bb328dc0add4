// Package serving waits for the service, for programs that have started it.
package serving

import (
	"context"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// Await returns once the service says that it serves, or the context's error. Until
// something listens it tries again.
func Await(ctx context.Context, conn *grpc.ClientConn) error {
	watch, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	for {
		answer, err := watch.Recv()
		if err != nil || answer.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			return err
		}
	}
}
