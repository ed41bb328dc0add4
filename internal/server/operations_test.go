package server_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

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

// TestListDeliveries: by state, reason, organization, user and time, page by page.
func TestListDeliveries(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	var ids []string
	for i, state := range []string{"FAILED", "DROPPED", "FAILED", "DELIVERED"} {
		ids = append(ids, s.person(pb.UserType_USER_TYPE_TENANT))
		s.send(ids[i], app)
		s.lose(ids[i], state, []string{"HTTP 400: Bad Request", "Spam Content", "expired", ""}[i])
	}
	s.renew(ids[3])
	third := s.invitation(ids[2], app).GetDelivery().GetId()
	since := timestamppb.New(time.Unix(uuid.MustParse(third).Time().UnixTime()).Truncate(time.Millisecond))
	for name, c := range map[string]struct {
		req  *pb.ListDeliveriesRequest
		want []string
	}{
		"all":          {&pb.ListDeliveriesRequest{}, []string{ids[3], ids[3], ids[2], ids[1], ids[0]}},
		"failed":       {&pb.ListDeliveriesRequest{State: pb.DeliveryState_DELIVERY_STATE_FAILED}, []string{ids[2], ids[0]}},
		"reason":       {&pb.ListDeliveriesRequest{Reason: "bad request"}, []string{ids[0]}},
		"no reason":    {&pb.ListDeliveriesRequest{Reason: "%"}, nil},
		"organization": {&pb.ListDeliveriesRequest{OrganizationId: org, State: pb.DeliveryState_DELIVERY_STATE_DROPPED}, []string{ids[1]}},
		"another":      {&pb.ListDeliveriesRequest{OrganizationId: "org-2"}, nil},
		"user":         {&pb.ListDeliveriesRequest{UserId: ids[3]}, []string{ids[3], ids[3]}},
		"since":        {&pb.ListDeliveriesRequest{Since: since}, []string{ids[3], ids[3], ids[2]}},
		"until":        {&pb.ListDeliveriesRequest{Until: since, State: pb.DeliveryState_DELIVERY_STATE_FAILED}, []string{ids[0]}},
	} {
		c.req.PageSize = 2
		if got := s.mails(c.req); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	resp, err := s.ops.ListDeliveries(t.Context(), &pb.ListDeliveriesRequest{UserId: ids[2]})
	must(t, err)
	inv, got := s.invitation(ids[2], app), resp.GetDeliveries()[0]
	if diff := cmp.Diff(&pb.ListedDelivery{
		Delivery: inv.GetDelivery(), QueuedAt: since, OrganizationId: org, UserId: ids[2], InvitationId: inv.GetId(), Target: app, Latest: true,
	}, got, protocmp.Transform()); diff != "" {
		t.Errorf("the mail differs: %s", diff)
	}
}

// mails follows a list to its end, and returns whose mails it has.
func (s *stack) mails(req *pb.ListDeliveriesRequest) (ids []string) {
	s.t.Helper()
	for {
		resp, err := s.ops.ListDeliveries(s.t.Context(), req)
		must(s.t, err)
		for _, d := range resp.GetDeliveries() {
			ids = append(ids, d.GetUserId())
		}
		if req.PageToken = resp.GetNextPageToken(); req.GetPageToken() == "" {
			return ids
		}
	}
}

// TestFindUser: by id or address, whoever's they are, and who had the address
// before.
func TestFindUser(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	former := s.person(pb.UserType_USER_TYPE_TENANT)
	_, err := s.DeactivateUser(t.Context(), &pb.DeactivateUserRequest{OrganizationId: org, UserId: former})
	must(t, err)
	_, err = s.CreateUser(t.Context(), &pb.CreateUserRequest{
		OrganizationId: "org-2", UserId: "there", Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Erika", Email: former + "@example.com", Invite: pb.Invite_INVITE_LATER,
	})
	must(t, err)
	for name, c := range map[string]struct {
		req  *pb.FindUserRequest
		want []string
	}{
		"id":       {&pb.FindUserRequest{UserId: "there"}, []string{"org-2 there " + former + "@example.com"}},
		"address":  {&pb.FindUserRequest{Email: strings.ToUpper(former) + "@EXAMPLE.com"}, []string{"org-2 there " + former + "@example.com", org + " " + former + " " + former + "@example.com"}},
		"nobody":   {&pb.FindUserRequest{UserId: "nobody"}, nil},
		"nobody's": {&pb.FindUserRequest{Email: "nobody@example.com"}, nil},
	} {
		resp, err := s.ops.FindUser(t.Context(), c.req)
		must(t, err)
		var got []string
		for _, u := range resp.GetUsers() {
			got = append(got, u.GetOrganizationId()+" "+u.GetId()+" "+u.GetEmail())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for _, req := range []*pb.FindUserRequest{{}, {UserId: "there", Email: "a@example.com"}} {
		_, err := s.ops.FindUser(t.Context(), req)
		want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
	}
}

// TestPauseDelivery: of one organization and of all; who did it is told.
func TestPauseDelivery(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	paused := func(req *pb.PauseDeliveryRequest) *timestamppb.Timestamp {
		resp, err := s.ops.PauseDelivery(t.Context(), req)
		must(t, err)
		return resp.GetPausedAt()
	}
	one, all := paused(&pb.PauseDeliveryRequest{OrganizationId: org, Actor: "anna"}), paused(&pb.PauseDeliveryRequest{Actor: "berta"})
	if again := paused(&pb.PauseDeliveryRequest{Actor: "carla"}); !again.AsTime().Equal(all.AsTime()) {
		t.Errorf("paused again, mails wait since %v, and not %v", again, all)
	}
	status, err := s.ops.GetStatus(t.Context(), &pb.GetStatusRequest{})
	must(t, err)
	if diff := cmp.Diff([]*pb.MailPause{{Since: all, Actor: "berta"}, {OrganizationId: org, Since: one}}, status.GetMailPauses(), protocmp.Transform()); diff != "" {
		t.Errorf("the pauses differ: %s", diff)
	}
	if s.store.PingDelivery(t.Context()) == nil {
		t.Error("mails go out, by their health")
	}
	for _, organization := range []string{"", org} {
		resp, err := s.ops.ResumeDelivery(t.Context(), &pb.ResumeDeliveryRequest{OrganizationId: organization, Actor: "anna"})
		must(t, err)
		if resp.GetPausedAt() != nil {
			t.Errorf("resumed, mails wait since %v", resp.GetPausedAt())
		}
	}
	must(t, s.store.PingDelivery(t.Context()))
	if n := s.count(`SELECT count(*) FROM events WHERE type IN ('DELIVERY_PAUSED', 'DELIVERY_RESUMED') AND user_id IS NULL`); n != 4 {
		t.Errorf("%d events tell of it, want 4", n)
	}
}
