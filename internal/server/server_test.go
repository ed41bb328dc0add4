package server_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/server"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestEveryErrorHasARow reads the domain's errors out of its source.
func TestEveryErrorHasARow(t *testing.T) {
	t.Parallel()
	rows := tableRows(t)
	for name := range declaredErrors(t) {
		if !rows[name] {
			t.Errorf("invitation.%s has no row in the table of verdicts", name)
		}
	}
}

func declaredErrors(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, err := os.ReadDir("../invitation")
	must(t, err)
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), "../invitation/"+file.Name(), nil, 0)
		must(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Err") {
				names[spec.Names[0].Name] = true
			}
			return true
		})
	}
	if len(names) < 20 {
		t.Fatalf("found only %d errors", len(names))
	}
	return names
}

// tableRows are the domain's errors that the table of verdicts names.
func tableRows(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	parsed, err := parser.ParseFile(token.NewFileSet(), "status.go", nil, 0)
	must(t, err)
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "verdicts" {
			return true
		}
		ast.Inspect(spec, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				names[selector.Sel.Name] = true
			}
			return true
		})
		return false
	})
	return names
}

// TestUnknownMethod: even that has a reason, and its name, which may be anything,
// goes nowhere.
func TestUnknownMethod(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for _, method := range []string{"/kiwi.invitation.v1.InvitationService/Destroy", "/other.Service/Get"} {
		err := s.conn.Invoke(t.Context(), method, &pb.GetUserRequest{}, &pb.GetUserResponse{})
		want(t, err, codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN)
	}
}

// TestHealth: reads and writes have names of their own, the server and its
// services are as well as writes, and the server lives until it drains.
func TestHealth(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	var readable, writable, mailing atomic.Bool
	state := func(up *atomic.Bool) func(context.Context) error {
		return func(context.Context) error {
			if !up.Load() {
				return invitation.ErrUnavailable
			}
			return nil
		}
	}
	s.serve(func(c *server.Config) {
		c.Ping, c.PingReads, c.PingDelivery = state(&writable), state(&readable), state(&mailing)
	})
	health := healthpb.NewHealthClient(s.conn)
	watches := map[string]healthpb.Health_WatchClient{}
	for _, service := range []string{
		"", pb.HealthLive, pb.HealthReads, pb.HealthWrites, pb.HealthDelivery,
		"kiwi.invitation.v1.InvitationService", "kiwi.invitation.v1.UserService", "kiwi.invitation.v1.RedemptionService",
	} {
		watch, err := health.Watch(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		must(t, err)
		watches[service] = watch
	}
	awaitHealth(t, watches[pb.HealthLive], true)
	readable.Store(true)
	awaitHealth(t, watches[pb.HealthReads], true)
	for _, up := range []bool{true, false} {
		writable.Store(up)
		for service, watch := range watches {
			if !slices.Contains([]string{pb.HealthLive, pb.HealthReads, pb.HealthDelivery}, service) {
				awaitHealth(t, watch, up)
			}
		}
	}
	awaitHealth(t, watches[pb.HealthDelivery], false)
	mailing.Store(true)
	awaitHealth(t, watches[pb.HealthDelivery], true)
}

// TestHealthFollowsTheDatabase: nothing serves once it is gone.
func TestHealthFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	watch, err := healthpb.NewHealthClient(s.conn).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	must(t, err)
	awaitHealth(t, watch, true)
	s.pool.Close()
	awaitHealth(t, watch, false)
}

func awaitHealth(t *testing.T, watch healthpb.Health_WatchClient, serving bool) {
	t.Helper()
	for {
		got, err := watch.Recv()
		must(t, err)
		if serving == (got.GetStatus() == healthpb.HealthCheckResponse_SERVING) {
			return
		}
	}
}

// TestLogsHoldNothingPersonal runs every action and looks for the person.
func TestLogsHoldNothingPersonal(t *testing.T) {
	t.Parallel()
	logs := &harness.Log{}
	s := newStackOn(t, pgtest.Database(t), logs)
	var canaries []string
	for _, situation := range situations {
		for _, action := range actions {
			id := s.person(pb.UserType_USER_TYPE_TENANT)
			token := situation.prepare(s, id, app)
			_ = action(s, id, app, token)
			if token != "" {
				canaries = append(canaries, token, strings.ToLower(token))
			}
		}
	}
	_, err := s.CreateUser(t.Context(), newcomer("erika@example.com", func(r *pb.CreateUserRequest) { r.DisplayName = "http://Mustermann" }))
	want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
	text := logs.Take()
	if strings.Contains(text, `"caller"`) {
		t.Error("the log names callers where nobody knows any")
	}
	if !strings.Contains(text, `"method":"/kiwi.invitation.v1.InvitationService/Send"`) || !strings.Contains(text, `"reason":"INVITATION_PENDING"`) {
		t.Fatal("the log does not tell what was called and why it was refused")
	}
	for _, canary := range append(canaries, "Mustermann", "example.com", "Hausverwaltung", "app.kiwi.example") {
		if strings.Contains(text, canary) {
			t.Errorf("the log holds %q", canary)
		}
	}
}
