package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestRevokeAll: what waits is revoked, page by page, after a dry run that tells the
// same; who is told how to invite whom again. Other organizations keep theirs.
func TestRevokeAll(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	people := map[string]string{}
	for _, situation := range situations {
		id := s.person(pb.UserType_USER_TYPE_EMPLOYEE)
		situation.prepare(s, id, app)
		people[id] = situation.name
	}
	both := s.person(pb.UserType_USER_TYPE_TENANT)
	s.send(both, app)
	s.shared(both, app)
	people[both] = "both"
	_, err := s.CreateUser(t.Context(), &pb.CreateUserRequest{
		OrganizationId: "org-2", UserId: "other", Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Max", Email: "max@example.com", Invite: pb.Invite_INVITE_NOW, Target: app,
	})
	must(t, err)
	expected := []string{"both [MAILED SHARED]", "expired [MAILED]", "mailed [MAILED]", "shared [SHARED]"}
	before := s.rows()
	dry, waiting := s.revokeAll(&pb.RevokeAllRequest{DryRun: true}, people)
	if !slices.Equal(dry, expected) || waiting != 4 || s.rows() != before {
		t.Errorf("the dry run tells of %q and counts %d", dry, waiting)
	}
	if done, _ := s.revokeAll(&pb.RevokeAllRequest{Actor: "anna"}, people); !slices.Equal(done, expected) {
		t.Errorf("revoked were %q", done)
	}
	if n := s.count(`SELECT count(*) FROM events WHERE type = 'INVITATION_REVOKED' AND cause = 'OperationsService/RevokeAll' AND actor = 'anna'`); n != 4 {
		t.Errorf("%d events tell of it", n)
	}
	if n := s.count(`SELECT count(*) FROM invitations WHERE state = 'PENDING'`); n != 1 {
		t.Errorf("%d invitations are pending, want the other organization's", n)
	}
	if left, _ := s.revokeAll(&pb.RevokeAllRequest{}, people); left != nil {
		t.Errorf("then there are still %q", left)
	}
}

func (s *stack) revokeAll(req *pb.RevokeAllRequest, people map[string]string) (told []string, waiting int32) {
	s.t.Helper()
	req.OrganizationId, req.PageSize = org, 3
	for {
		resp, err := s.ops.RevokeAll(s.t.Context(), req)
		must(s.t, err)
		for _, r := range resp.GetResults() {
			told = append(told, strings.ReplaceAll(fmt.Sprint(people[r.GetUserId()], " ", r.GetChannels()), "CHANNEL_", ""))
		}
		waiting = resp.GetWaiting()
		if req.PageToken = resp.GetNextPageToken(); req.GetPageToken() == "" {
			slices.Sort(told)
			return told, waiting
		}
	}
}

// TestIssuedBefore: those whose links an old key signed, while they are renewed page
// by page; also together with the state of the mail.
func TestIssuedBefore(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	var old []string
	for i := range 7 {
		id := s.person(pb.UserType_USER_TYPE_TENANT)
		s.send(id, app)
		s.age(id, time.Duration(i%3)*time.Hour)
		old = append(old, s.invitation(id, app).GetId())
	}
	var at time.Time
	must(t, s.pool.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&at))
	s.send(s.person(pb.UserType_USER_TYPE_TENANT), app)
	slices.Sort(old)
	for _, state := range []pb.DeliveryState{0, pb.DeliveryState_DELIVERY_STATE_QUEUED} {
		listed := s.pages(&pb.ListInvitationsRequest{IssuedBefore: timestamppb.New(at), DeliveryState: state}, nothing)
		if slices.Sort(listed); !slices.Equal(listed, old) {
			t.Errorf("%v: listed %d, want %d", state, len(listed), len(old))
		}
	}
	req := &pb.ListInvitationsRequest{OrganizationId: org, IssuedBefore: timestamppb.New(at), PageSize: 2}
	for renewed := 0; ; {
		resp, err := s.ListInvitations(t.Context(), req)
		must(t, err)
		for _, inv := range resp.GetInvitations() {
			s.renew(inv.GetUserId())
			renewed++
		}
		if req.PageToken = resp.GetNextPageToken(); req.GetPageToken() == "" {
			if renewed != len(old) {
				t.Errorf("%d were renewed, want %d", renewed, len(old))
			}
			return
		}
	}
}

// TestExportUser: every table that knows the person, and nothing that links are made
// of.
func TestExportUser(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	s.send(id, app)
	_, err := s.Redeem(t.Context(), &pb.RedeemRequest{Token: s.mailedToken(id, app), RequestId: "01a21060-3013-7a0c-9547-2b32f2355159"})
	must(t, err)
	resp, err := s.ops.ExportUser(t.Context(), &pb.ExportUserRequest{UserId: id})
	must(t, err)
	text := fmt.Sprint(resp.GetData().AsMap())
	for _, part := range []string{"Erika Mustermann", id + "@example.com", "REDEEMED", "INVITATION_ISSUED", "01a21060-3013-7a0c-9547-2b32f2355159"} {
		if !strings.Contains(text, part) {
			t.Errorf("the export lacks %s: %s", part, text)
		}
	}
	for _, table := range []string{"invitations", "deliveries", "events", "requests"} {
		if len(resp.GetData().GetFields()[table].GetListValue().GetValues()) == 0 {
			t.Errorf("the export has no %s", table)
		}
	}
	if strings.Contains(text, "generation") {
		t.Error("the export tells a part of links")
	}
	_, err = s.ops.ExportUser(t.Context(), &pb.ExportUserRequest{UserId: "nobody"})
	want(t, err, codes.NotFound, pb.ErrorReason_USER_NOT_FOUND)
}
