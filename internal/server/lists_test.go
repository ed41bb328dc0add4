package server_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// pages follows a list to its end and returns the ids.
func (s *stack) pages(req *pb.ListInvitationsRequest, between func()) (ids []string) {
	s.t.Helper()
	req.OrganizationId, req.PageSize = org, 3
	for {
		resp, err := s.ListInvitations(s.t.Context(), req)
		must(s.t, err)
		for _, inv := range resp.GetInvitations() {
			ids = append(ids, inv.GetId())
		}
		if req.PageToken = resp.GetNextPageToken(); req.GetPageToken() == "" {
			return ids
		}
		between()
	}
}

func nothing() {}

// TestListPages: every invitation once, newest first, whatever is created
// between two pages; the last page says that it is the last.
func TestListPages(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	var created []string
	for range 9 {
		id := s.person(pb.UserType_USER_TYPE_TENANT)
		s.send(id, app)
		created = append(created, s.invitation(id, app).GetId())
	}
	slices.Reverse(created)
	listed := s.pages(&pb.ListInvitationsRequest{}, func() { s.send(s.person(pb.UserType_USER_TYPE_TENANT), app) })
	if !slices.Equal(listed, created) {
		t.Errorf("listed %v, want %v", listed, created)
	}
}

// TestLastPage: a page that what is left just fills is the last one.
func TestLastPage(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for range 2 {
		s.send(s.person(pb.UserType_USER_TYPE_TENANT), app)
	}
	events := s.count(`SELECT count(*) FROM events`)
	type page interface{ GetNextPageToken() string }
	for name, list := range map[string]struct {
		all  int
		page func(size int32) (page, error)
	}{
		"invitations": {2, func(size int32) (page, error) {
			return s.ListInvitations(t.Context(), &pb.ListInvitationsRequest{OrganizationId: org, PageSize: size})
		}},
		"users": {2, func(size int32) (page, error) {
			return s.ListUsers(t.Context(), &pb.ListUsersRequest{OrganizationId: org, PageSize: size})
		}},
		"events": {events, func(size int32) (page, error) {
			return s.ListEvents(t.Context(), &pb.ListEventsRequest{OrganizationId: org, PageSize: size})
		}},
	} {
		for size, last := range map[int]bool{list.all - 1: false, list.all: true} {
			p, err := list.page(int32(size))
			must(t, err)
			if (p.GetNextPageToken() == "") != last {
				t.Errorf("%d of %d %s: the next page is %q", size, list.all, name, p.GetNextPageToken())
			}
		}
	}
}

// TestListFilters: each filter selects what its name says, expiry included.
func TestListFilters(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	ids := map[string]string{}
	for _, situation := range situations[1:] {
		id := s.person(pb.UserType_USER_TYPE_EMPLOYEE)
		situation.prepare(s, id, app)
		ids[situation.name] = s.invitation(id, app).GetId()
	}
	portal := s.person(pb.UserType_USER_TYPE_EMPLOYEE)
	s.send(portal, pb.Target_TARGET_PORTAL)
	ids["portal"] = s.invitation(portal, pb.Target_TARGET_PORTAL).GetId()

	for _, c := range []struct {
		name string
		req  *pb.ListInvitationsRequest
		want []string
	}{
		{"all", &pb.ListInvitationsRequest{}, []string{"mailed", "shared", "expired", "revoked", "redeemed", "portal"}},
		{"app", &pb.ListInvitationsRequest{Target: app}, []string{"mailed", "shared", "expired", "revoked", "redeemed"}},
		{"portal", &pb.ListInvitationsRequest{Target: pb.Target_TARGET_PORTAL}, []string{"portal"}},
		{"pending", &pb.ListInvitationsRequest{State: pb.InvitationState_INVITATION_STATE_PENDING}, []string{"mailed", "shared", "portal"}},
		{"expired", &pb.ListInvitationsRequest{State: pb.InvitationState_INVITATION_STATE_EXPIRED}, []string{"expired"}},
		{"revoked", &pb.ListInvitationsRequest{State: pb.InvitationState_INVITATION_STATE_REVOKED}, []string{"revoked"}},
		{"redeemed", &pb.ListInvitationsRequest{State: pb.InvitationState_INVITATION_STATE_REDEEMED}, []string{"redeemed"}},
		{"queued", &pb.ListInvitationsRequest{DeliveryState: pb.DeliveryState_DELIVERY_STATE_QUEUED}, []string{"mailed", "expired", "portal"}},
		{"cancelled", &pb.ListInvitationsRequest{DeliveryState: pb.DeliveryState_DELIVERY_STATE_CANCELLED}, []string{"revoked"}},
		{"queued and pending to the app", &pb.ListInvitationsRequest{
			Target: app, State: pb.InvitationState_INVITATION_STATE_PENDING, DeliveryState: pb.DeliveryState_DELIVERY_STATE_QUEUED,
		}, []string{"mailed"}},
	} {
		var expected []string
		for _, name := range c.want {
			expected = append(expected, ids[name])
		}
		slices.Sort(expected)
		listed := s.pages(c.req, nothing)
		slices.Sort(listed)
		if !slices.Equal(listed, expected) {
			t.Errorf("%s: listed %d invitations, want %v", c.name, len(listed), c.want)
		}
	}
}

// TestPageTokensAreBound: a token belongs to its filters and its organization.
func TestPageTokensAreBound(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for range 2 {
		s.send(s.person(pb.UserType_USER_TYPE_TENANT), app)
	}
	resp, err := s.ListInvitations(t.Context(), &pb.ListInvitationsRequest{OrganizationId: org, PageSize: 1})
	must(t, err)
	token := resp.GetNextPageToken()
	_, err = s.ListInvitations(t.Context(), &pb.ListInvitationsRequest{OrganizationId: org, PageSize: 2, PageToken: token})
	must(t, err)
	for name, req := range map[string]*pb.ListInvitationsRequest{
		"other filter":       {OrganizationId: org, Target: app, PageToken: token},
		"other organization": {OrganizationId: "org-2", PageToken: token},
	} {
		_, err = s.ListInvitations(t.Context(), req)
		if want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD); t.Failed() {
			t.Log(name)
		}
	}
	_, err = s.ListEvents(t.Context(), &pb.ListEventsRequest{OrganizationId: org, PageToken: token})
	want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
}

// TestOrganizationsAreApart: what belongs to another organization is not there.
func TestOrganizationsAreApart(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_EMPLOYEE)
	s.send(id, app)
	inv := s.invitation(id, app).GetId()
	const other = "org-2"
	ctx := t.Context()
	for _, user := range []string{id, "nobody"} {
		_, err := s.GetUser(ctx, &pb.GetUserRequest{OrganizationId: other, UserId: user})
		want(t, err, codes.NotFound, pb.ErrorReason_USER_NOT_FOUND)
		_, err = s.Send(ctx, &pb.SendRequest{OrganizationId: other, UserId: user, Target: app})
		want(t, err, codes.NotFound, pb.ErrorReason_USER_NOT_FOUND)
		_, err = s.Revoke(ctx, &pb.RevokeRequest{OrganizationId: other, UserId: user, Target: app})
		want(t, err, codes.NotFound, pb.ErrorReason_USER_NOT_FOUND)
		_, err = s.EraseUser(ctx, &pb.EraseUserRequest{OrganizationId: other, UserId: user})
		want(t, err, codes.NotFound, pb.ErrorReason_USER_NOT_FOUND)
	}
	for _, id := range []string{inv, uuid.NewString()} {
		_, err := s.GetInvitation(ctx, &pb.GetInvitationRequest{OrganizationId: other, InvitationId: id})
		want(t, err, codes.NotFound, pb.ErrorReason_INVITATION_NOT_FOUND)
	}
	list, err := s.ListInvitations(ctx, &pb.ListInvitationsRequest{OrganizationId: other})
	must(t, err)
	events, err := s.ListEvents(ctx, &pb.ListEventsRequest{OrganizationId: other, UserId: id})
	must(t, err)
	if len(list.GetInvitations()) > 0 || len(events.GetEvents()) > 0 {
		t.Error("another organization's invitations or events are listed")
	}
	got, err := s.GetInvitation(ctx, &pb.GetInvitationRequest{OrganizationId: org, InvitationId: inv})
	must(t, err)
	if got.GetInvitation().GetUserId() != id {
		t.Errorf("got %v", got)
	}
}

// TestEventsTell: who, what, when and why, page by page.
func TestEventsTell(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	request := uuid.NewString()
	_, err := s.Send(t.Context(), &pb.SendRequest{OrganizationId: org, UserId: id, Target: app, Actor: "operator-7", RequestId: request})
	must(t, err)
	must(t, s.updateEmail(id, app, pb.FollowUp_FOLLOW_UP_LATER))
	var told []string
	req := &pb.ListEventsRequest{OrganizationId: org, UserId: id, PageSize: 2}
	for {
		resp, err := s.ListEvents(t.Context(), req)
		must(t, err)
		for _, e := range resp.GetEvents() {
			told = append(told, fmt.Sprintf("%d %v %v %s %s %s", e.GetSequence(), e.GetType(), e.GetChannel(), e.GetCause(), e.GetActor(), e.GetReason()))
			if e.GetType() == pb.EventType_EVENT_TYPE_INVITATION_ISSUED && e.GetRequestId() != request {
				t.Errorf("the event has request %q", e.GetRequestId())
			}
		}
		if req.PageToken = resp.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
	}
	expected := []string{
		"1 EVENT_TYPE_USER_CREATED CHANNEL_UNSPECIFIED UserService/CreateUser  ",
		"2 EVENT_TYPE_INVITATION_ISSUED CHANNEL_MAILED InvitationService/Send operator-7 ",
		"3 EVENT_TYPE_EMAIL_CHANGED CHANNEL_UNSPECIFIED InvitationService/UpdateEmail  ",
		"4 EVENT_TYPE_DELIVERY_CHANGED CHANNEL_MAILED InvitationService/UpdateEmail  ",
		"5 EVENT_TYPE_MAILED_LINK_KILLED CHANNEL_MAILED InvitationService/UpdateEmail  EMAIL_CHANGED",
		"6 EVENT_TYPE_INVITATION_REVOKED CHANNEL_UNSPECIFIED InvitationService/UpdateEmail  EMAIL_CHANGED",
	}
	if !slices.Equal(told, expected) {
		t.Errorf("events tell\n%q, want\n%q", told, expected)
	}
}
