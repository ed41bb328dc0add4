package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/storetest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/postgres"
	"github.com/kiwi-ki/invitations/internal/server"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

var must = harness.Must

func TestMain(m *testing.M) { pgtest.Main(m, storetest.Migrate) }

// stack is a server as production runs it, on a database and a connection of
// its own.
type stack struct {
	*client.Client
	t      testing.TB
	conn   *grpc.ClientConn
	ops    pb.OperationsServiceClient
	pool   *pgxpool.Pool
	store  *postgres.Store
	linker *invitation.Linker
	logs   io.Writer
}

// invalidTokens is more than any other test makes.
const invalidTokens = 100

const validity = 14 * 24 * time.Hour

// newStack starts a server on a fresh database.
func newStack(t testing.TB) *stack {
	t.Helper()
	return newStackOn(t, pgtest.Database(t), io.Discard)
}

// newStackOn starts a server on a database that others may share, with the
// limits on mail, if any.
func newStackOn(t testing.TB, dsn string, logs io.Writer, limits ...postgres.Limit) *stack {
	t.Helper()
	limits = append(limits, postgres.Limit{}, postgres.Limit{})
	pool, linker := pgtest.Pool(t, dsn), harness.Linker()
	store := storetest.New(t, pool, func(c *postgres.Config) {
		c.PerRecipient, c.PerOrganization, c.Pseudonym = limits[0], limits[1], linker.Pseudonym
	})
	s := &stack{t: t, pool: pool, store: store, linker: linker, logs: logs}
	s.serve(func(*server.Config) {})
	return s
}

// serve starts a server that is configured as all are, but for what is set.
func (s *stack) serve(set func(*server.Config)) {
	config := server.Config{
		Store: s.store, Operations: operations{s.store, s.pool}, Version: "v0.0.0", Linker: s.linker, Validity: validity, StalledAfter: time.Hour,
		InvalidTokens: server.InvalidTokens{N: invalidTokens, Per: 24 * time.Hour}, Ping: s.store.Ping,
		Logger: slog.New(slog.NewJSONHandler(s.logs, nil)),
	}
	set(&config)
	srv, err := server.New(config)
	must(s.t, err)
	listener := bufconn.Listen(1 << 20)
	go func() { _ = srv.Serve(listener) }()
	go s.store.Listen(s.t.Context())
	go srv.Watch(s.t.Context(), 50*time.Millisecond)
	s.t.Cleanup(srv.Stop)
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
	}
	s.Client, err = client.New("passthrough:///bufconn", dial...)
	must(s.t, err)
	s.conn, err = grpc.NewClient("passthrough:///bufconn", dial...)
	must(s.t, err)
	s.ops = pb.NewOperationsServiceClient(s.conn)
	s.t.Cleanup(func() { _ = errors.Join(s.Close(), s.conn.Close()) })
}

// operations are the store's, and the queue's.
type operations struct {
	*postgres.Store
	pool *pgxpool.Pool
}

func (o operations) MailQueue(ctx context.Context) (invitation.MailQueue, error) {
	return delivery.Depth(ctx, o.pool)
}

func (o operations) WakeMails(ctx context.Context) error { return delivery.WakeMails(ctx, o.pool) }

const org = "org-1"

var counter atomic.Int64

// person creates a user with an address and returns the id.
func (s *stack) person(kind pb.UserType) string {
	s.t.Helper()
	id := fmt.Sprintf("user-%d", counter.Add(1))
	_, err := s.CreateUser(s.t.Context(), &pb.CreateUserRequest{
		OrganizationId: org, UserId: id, Type: kind, DisplayName: "Erika Mustermann",
		Email: id + "@example.com", Invite: pb.Invite_INVITE_LATER,
	})
	must(s.t, err)
	return id
}

// people creates users u1, u2 … with addresses.
func (s *stack) people(n int) {
	s.t.Helper()
	for first := 1; first <= n; first += 1000 {
		req := &pb.BatchCreateUsersRequest{OrganizationId: org}
		for i := first; i < first+1000 && i <= n; i++ {
			req.Users = append(req.Users, &pb.CreateUserRequest{
				UserId: fmt.Sprintf("u%d", i), Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Erika",
				Email: fmt.Sprintf("%d@example.com", i), Invite: pb.Invite_INVITE_LATER,
			})
		}
		resp, err := s.BatchCreateUsers(s.t.Context(), req)
		must(s.t, err)
		for _, r := range resp.GetResults() {
			if r.GetReason() != 0 {
				s.t.Fatalf("refused: %v", r)
			}
		}
	}
}

func (s *stack) user(id string) *pb.User {
	s.t.Helper()
	resp, err := s.GetUser(s.t.Context(), &pb.GetUserRequest{OrganizationId: org, UserId: id})
	must(s.t, err)
	return resp.GetUser()
}

func (s *stack) invitation(id string, target pb.Target) *pb.Invitation {
	s.t.Helper()
	for _, inv := range s.user(id).GetInvitations() {
		if inv.GetTarget() == target {
			return inv
		}
	}
	return nil
}

// mailedToken returns the token that a mail sent now would carry.
func (s *stack) mailedToken(id string, target pb.Target) string {
	s.t.Helper()
	res, err := s.store.Read(s.t.Context(), invitation.Key{OrganizationID: org, UserID: id})
	must(s.t, err)
	inv := res.User.Invitations[target-pb.Target_TARGET_APP]
	if inv == nil {
		s.t.Fatalf("user %s has no invitation to %v", id, target)
	}
	return tokenOf(s.linker.Link(inv, invitation.Mailed).Reveal())
}

// shared shows the QR code and returns the token of its link.
func (s *stack) shared(id string, target pb.Target) string {
	s.t.Helper()
	resp, err := s.GenerateQR(s.t.Context(), &pb.GenerateQRRequest{OrganizationId: org, UserId: id, Target: target, Format: pb.ImageFormat_IMAGE_FORMAT_SVG})
	must(s.t, err)
	return tokenOf(resp.GetLink())
}

func tokenOf(link string) string { return link[strings.LastIndex(link, "/")+1:] }

// age lets an invitation's time pass.
func (s *stack) age(id string, by time.Duration) {
	s.t.Helper()
	s.exec(`UPDATE invitations SET issued_at = issued_at - $2::interval, expires_at = expires_at - $2::interval WHERE user_id = $1`, id, by)
	s.exec(`UPDATE users SET invited_until = invited_until - $2::interval WHERE id = $1`, id, by)
}

func (s *stack) exec(sql string, args ...any) {
	s.t.Helper()
	pgtest.Exec(s.t, s.pool, sql, args...)
}

func (s *stack) count(sql string, args ...any) int {
	s.t.Helper()
	return pgtest.Count(s.t, s.pool, sql, args...)
}

// events returns the types of a user's events behind a sequence.
func (s *stack) events(id string, after int) (types []string) {
	s.t.Helper()
	resp, err := s.ListEvents(s.t.Context(), &pb.ListEventsRequest{OrganizationId: org, UserId: id, PageSize: 500})
	must(s.t, err)
	for i, e := range resp.GetEvents() {
		if i >= after {
			types = append(types, strings.TrimPrefix(e.GetType().String(), "EVENT_TYPE_"))
		}
	}
	return types
}

// lose has the latest mails of a user never have arrived.
func (s *stack) lose(id, state, reason string) {
	s.t.Helper()
	s.exec(`UPDATE deliveries SET state = $2, reason = $3 WHERE id IN (SELECT delivery_id FROM invitations WHERE user_id = $1)`, id, state, reason)
}

// jobs counts the mails of a user that wait to be sent.
func (s *stack) jobs(id string) int {
	s.t.Helper()
	return s.count(`SELECT count(*) FROM river_job j JOIN deliveries d ON d.id = (j.args->>'delivery_id')::uuid
		WHERE d.user_id = $1 AND d.state = 'QUEUED'`, id)
}

// want fails unless the error has this code and reason; OK and unspecified
// stand for none.
func want(t testing.TB, err error, code codes.Code, reason pb.ErrorReason) {
	t.Helper()
	if status.Code(err) != code || client.Reason(err) != reason {
		t.Errorf("got %v with reason %v, want %v with %v", err, client.Reason(err), code, reason)
	}
}
