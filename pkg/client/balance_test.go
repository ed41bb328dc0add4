package client_test

import (
	"testing"
	"testing/synctest"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// spread counts how many of 300 calls each server takes, all of which must succeed.
func spread(t *testing.T, c *client.Client, servers []*server) (calls [3]int) {
	t.Helper()
	for range 300 {
		if _, err := c.Send(t.Context(), &pb.SendRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range servers {
		calls[i] = len(s.requestIDs())
	}
	return calls
}

// settled is a client of three servers that has found them all. Their databases are
// away, which is no reason to find them worse than one another.
func settled(t *testing.T) (*client.Client, []*server) {
	t.Helper()
	servers := []*server{{}, {}, {}}
	c := connect(t, servers...)
	spread(t, c, servers)
	synctest.Wait()
	return c, servers
}

// TestCallsAreSpread: 300 calls over three servers.
func TestCallsAreSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, servers := settled(t)
		if calls := spread(t, c, servers); calls != [3]int{100, 100, 100} {
			t.Errorf("the servers took %v", calls)
		}
	})
}

// TestDeadServerIsLeft: as soon as its connections break, no call is lost, and within
// seconds of its return it takes calls again.
func TestDeadServerIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, servers := settled(t)
		servers[1].stop()
		start := time.Now()
		if calls := spread(t, c, servers); calls[1] != 0 || calls[0] < 149 || calls[2] < 149 {
			t.Errorf("the servers took %v", calls)
		}
		if took := time.Since(start); took >= time.Second {
			t.Errorf("the dead server cost %v", took)
		}
		servers[1].start()
		<-time.After(5 * time.Second) // of the bubble's clock
		if calls := spread(t, c, servers); calls != [3]int{100, 100, 100} {
			t.Errorf("after its return, the servers took %v", calls)
		}
	})
}

// TestDrainingServerIsLeft: a server that is not alive by its own word gets no calls,
// though it could still be reached.
func TestDrainingServerIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, servers := settled(t)
		servers[2].health.SetServingStatus(pb.HealthLive, healthpb.HealthCheckResponse_NOT_SERVING)
		synctest.Wait()
		if calls := spread(t, c, servers); calls != [3]int{150, 150, 0} {
			t.Errorf("the servers took %v", calls)
		}
		servers[2].health.SetServingStatus(pb.HealthLive, healthpb.HealthCheckResponse_SERVING)
		synctest.Wait()
		if calls := spread(t, c, servers); calls != [3]int{100, 100, 100} {
			t.Errorf("after its return, the servers took %v", calls)
		}
	})
}

// TestOutageIsSurvived: no server for 30 seconds, and neither a write nor a read is
// lost.
func TestOutageIsSurvived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, servers := settled(t)
		for _, s := range servers {
			s.stop()
		}
		time.AfterFunc(30*time.Second, func() {
			for _, s := range servers {
				s.start()
			}
		})
		read := make(chan error)
		go func() {
			_, err := c.Preview(t.Context(), &pb.PreviewRequest{Token: "t"})
			read <- err
		}()
		if _, err := c.Send(t.Context(), &pb.SendRequest{}); err != nil {
			t.Errorf("Send: %v", err)
		}
		if err := <-read; err != nil {
			t.Errorf("Preview: %v", err)
		}
	})
}
