package server_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/server"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestGetStatus: what is in force, what waits, and why.
func TestGetStatus(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	expected := &pb.GetStatusResponse{
		Version: "v0.0.0", NeedsSchema: 1, HasSchema: 1, MailQueue: &pb.MailQueue{},
		Keys: []*pb.LinkKey{{Id: "A", Use: pb.KeyUse_KEY_USE_SIGNS, Fingerprint: s.linker.Keys()[0].Fingerprint}},
	}
	s.wantStatus(expected)
	for range 4 {
		s.send(s.person(pb.UserType_USER_TYPE_TENANT), app)
	}
	s.exec(`UPDATE river_job SET state = 'running' WHERE id = (SELECT min(id) FROM river_job)`)
	s.exec(`UPDATE river_job SET state = 'scheduled', scheduled_at = now() + interval '1 minute' WHERE id = (SELECT max(id) FROM river_job)`)
	_, err := s.store.RestMail(t.Context(), time.Minute, "HTTP 401")
	must(t, err)
	expected.MailQueue = &pb.MailQueue{Due: 2, Running: 1, PutAside: 1}
	expected.MailRest = &pb.MailRest{Reason: "HTTP 401"}
	status := s.wantStatus(expected)
	if rest := status.GetMailRest(); rest.GetUntil().AsTime().Sub(rest.GetSince().AsTime()) != time.Minute || status.GetMailQueue().GetOldestDueAt() == nil {
		t.Errorf("times are missing: %v", status)
	}
}

func (s *stack) wantStatus(expected *pb.GetStatusResponse) *pb.GetStatusResponse {
	s.t.Helper()
	status, err := s.ops.GetStatus(s.t.Context(), &pb.GetStatusRequest{})
	must(s.t, err)
	if diff := cmp.Diff(expected, status, protocmp.Transform(),
		protocmp.IgnoreFields(&pb.MailQueue{}, "oldest_due_at"), protocmp.IgnoreFields(&pb.MailRest{}, "since", "until")); diff != "" {
		s.t.Errorf("the status differs: %s", diff)
	}
	return status
}

// TestGetStatusWithoutDatabase: it tells what it knows, and what is wrong.
func TestGetStatusWithoutDatabase(t *testing.T) {
	t.Parallel()
	database := pgtest.NewServer(t)
	s := newStackOn(t, database.DSN("postgres"), t.Output())
	s.serve(func(c *server.Config) {
		c.Ping = func(context.Context) error { return errors.New("the database does not answer: gone") }
	})
	must(t, database.Stop())
	status, err := s.ops.GetStatus(t.Context(), &pb.GetStatusRequest{})
	must(t, err)
	if status.GetVersion() == "" || status.GetDatabaseProblem() != "the database does not answer: gone" || status.GetMailQueue() != nil {
		t.Errorf("the status is %v", status)
	}
}
