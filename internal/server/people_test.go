package server_test

import (
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/postgres"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// one is a user of a batch.
func one(id, email string) *pb.CreateUserRequest {
	return &pb.CreateUserRequest{UserId: id, Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Erika", Email: email, Invite: pb.Invite_INVITE_LATER}
}

func reasons(resp *pb.BatchCreateUsersResponse) (all []pb.ErrorReason) {
	for _, r := range resp.GetResults() {
		all = append(all, r.GetReason())
	}
	return all
}

// TestBatchCreateUsers: a result per user in their order; one's refusal is no
// other's, the first of two wins, and a repeated call creates nobody twice and
// tries those again that were refused.
func TestBatchCreateUsers(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	taken := s.person(pb.UserType_USER_TYPE_TENANT)
	bad := one("bad", "x@example.com")
	bad.DisplayName, bad.Type = "", 0
	strange := one("strange", "")
	strange.OrganizationId = "another"
	now := one("now", "")
	now.Invite, now.Target = pb.Invite_INVITE_NOW, app
	req := &pb.BatchCreateUsersRequest{OrganizationId: org, RequestId: uuid.NewString(), Users: []*pb.CreateUserRequest{
		one("a", "a@example.com"), one("b", "A@EXAMPLE.com"), one("a", "a2@example.com"), one(taken, ""), one("c", taken+"@example.com"),
		bad, one("d", "no address"), strange, now, one("e", "e@example.com"),
	}}
	expected := []pb.ErrorReason{
		0, pb.ErrorReason_EMAIL_IN_USE, pb.ErrorReason_USER_EXISTS, pb.ErrorReason_USER_EXISTS, pb.ErrorReason_EMAIL_IN_USE,
		pb.ErrorReason_INVALID_FIELD, pb.ErrorReason_EMAIL_INVALID, pb.ErrorReason_INVALID_FIELD, pb.ErrorReason_EMAIL_REQUIRED, 0,
	}
	resp, err := s.BatchCreateUsers(t.Context(), req)
	must(t, err)
	if got := reasons(resp); !slices.Equal(got, expected) {
		t.Errorf("got %v, want %v", got, expected)
	}
	for i, path := range map[int]string{5: "type", 6: "email", 7: "organization_id"} {
		if v := resp.GetResults()[i].GetFieldViolations(); len(v) == 0 || v[0].GetField() != path {
			t.Errorf("result %d names %v, want %s", i, v, path)
		}
	}
	s.deactivate(taken) // its address is free now
	expected[4] = 0
	again, err := s.BatchCreateUsers(t.Context(), req)
	must(t, err)
	if got := reasons(again); !slices.Equal(got, expected) {
		t.Errorf("again: got %v, want %v", got, expected)
	}
	if n := s.count(`SELECT count(*) FROM events WHERE type = 'USER_CREATED' AND request_id = $1`, req.GetRequestId()); n != 3 {
		t.Errorf("%d users were created by this request, want 3", n)
	}
	_, err = s.CreateUser(t.Context(), &pb.CreateUserRequest{OrganizationId: org, UserId: "z", Type: 1, DisplayName: "Z", Invite: pb.Invite_INVITE_LATER, RequestId: req.GetRequestId()})
	want(t, err, codes.Aborted, pb.ErrorReason_REQUEST_ID_REUSED)
}

// TestSecondHasItsChance: of two users with one address the second is created if
// the first was refused for something else.
func TestSecondHasItsChance(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	first := one("first", "same@example.com")
	first.DisplayName = ""
	resp, err := s.BatchCreateUsers(t.Context(), &pb.BatchCreateUsersRequest{OrganizationId: org, Users: []*pb.CreateUserRequest{first, one("second", "same@example.com")}})
	must(t, err)
	if got := reasons(resp); !slices.Equal(got, []pb.ErrorReason{pb.ErrorReason_INVALID_FIELD, 0}) {
		t.Errorf("got %v", got)
	}
}

// TestListUsers: every filter, alone and with others, page by page in the order of
// ids.
func TestListUsers(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.people(9)
	s.send("u3", app)
	s.send("u4", app)
	s.age("u4", validity)
	_, err := s.Redeem(t.Context(), &pb.RedeemRequest{Token: s.shared("u5", app)})
	must(t, err)
	s.deactivate("u6")
	s.deactivate("u7")
	_, err = s.EraseUser(t.Context(), &pb.EraseUserRequest{OrganizationId: org, UserId: "u7"})
	must(t, err)
	for name, c := range map[string]struct {
		req  *pb.ListUsersRequest
		want []string
	}{
		"all":         {&pb.ListUsersRequest{}, []string{"u1", "u2", "u3", "u4", "u5", "u6", "u8", "u9"}},
		"ids":         {&pb.ListUsersRequest{UserIds: []string{"u9", "u1", "nobody", "u7"}}, []string{"u1", "u9"}},
		"address":     {&pb.ListUsersRequest{Email: "2@EXAMPLE.com"}, []string{"u2"}},
		"online":      {&pb.ListUsersRequest{AccountStatus: pb.AccountStatus_ACCOUNT_STATUS_ONLINE}, []string{"u5"}},
		"invited":     {&pb.ListUsersRequest{AccountStatus: pb.AccountStatus_ACCOUNT_STATUS_INVITED}, []string{"u3"}},
		"offline":     {&pb.ListUsersRequest{AccountStatus: pb.AccountStatus_ACCOUNT_STATUS_OFFLINE}, []string{"u1", "u2", "u4", "u6", "u8", "u9"}},
		"deactivated": {&pb.ListUsersRequest{Deactivated: proto.Bool(true)}, []string{"u6"}},
		"active, offline": {&pb.ListUsersRequest{Deactivated: proto.Bool(false), AccountStatus: pb.AccountStatus_ACCOUNT_STATUS_OFFLINE},
			[]string{"u1", "u2", "u4", "u8", "u9"}},
		"address of the deactivated": {&pb.ListUsersRequest{Email: "6@example.com"}, []string{"u6"}},
	} {
		for size := range 3 {
			c.req.OrganizationId, c.req.PageSize, c.req.PageToken = org, int32(size), ""
			if got := s.userPages(c.req); !slices.Equal(got, c.want) {
				t.Errorf("%s by %d: got %v, want %v", name, size, got, c.want)
			}
		}
	}
	if got := s.userPages(&pb.ListUsersRequest{OrganizationId: "another"}); got != nil {
		t.Errorf("another organization lists %v", got)
	}
}

func (s *stack) userPages(req *pb.ListUsersRequest) (ids []string) {
	s.t.Helper()
	for {
		resp, err := s.ListUsers(s.t.Context(), req)
		must(s.t, err)
		for _, u := range resp.GetUsers() {
			ids = append(ids, u.GetId())
		}
		if req.PageToken = resp.GetNextPageToken(); req.GetPageToken() == "" {
			return ids
		}
	}
}

// TestUpdateUser: what the portal filed wrongly can be put right; who is no
// employee any more is not invited to the portal.
func TestUpdateUser(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	portal := pb.Target_TARGET_PORTAL
	tenant := func(id string) error {
		_, err := s.UpdateUser(t.Context(), &pb.UpdateUserRequest{OrganizationId: org, UserId: id, UpdateMask: mask("type"), Type: pb.UserType_USER_TYPE_TENANT})
		return err
	}
	pending, active := s.person(pb.UserType_USER_TYPE_EMPLOYEE), s.person(pb.UserType_USER_TYPE_EMPLOYEE)
	s.send(pending, portal)
	link := s.mailedToken(pending, portal)
	must(t, tenant(pending))
	s.wantDead(link, pb.ErrorReason_INVITATION_REVOKED)
	if u := s.user(pending); u.GetType() != pb.UserType_USER_TYPE_TENANT || s.jobs(pending) != 0 {
		t.Errorf("got %v", u)
	}
	_, err := s.Redeem(t.Context(), &pb.RedeemRequest{Token: s.shared(active, portal)})
	must(t, err)
	want(t, tenant(active), codes.FailedPrecondition, pb.ErrorReason_ALREADY_ACTIVATED)
	s.reset(active, portal)
	must(t, tenant(active))

	resp, err := s.UpdateUser(t.Context(), &pb.UpdateUserRequest{
		OrganizationId: org, UserId: active, UpdateMask: mask("display_name", "locale"), DisplayName: "Erna", Locale: "tr", Type: pb.UserType_USER_TYPE_OWNER,
	})
	must(t, err)
	if u := resp.GetUser(); u.GetDisplayName() != "Erna" || u.GetLocale() != "tr" || u.GetType() != pb.UserType_USER_TYPE_TENANT {
		t.Errorf("got %v", u)
	}
	_, err = s.UpdateUser(t.Context(), &pb.UpdateUserRequest{OrganizationId: org, UserId: active, UpdateMask: mask("type")})
	want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
}

// TestReactivateUser: back as they were, with nothing pending, unless somebody has
// the address; then without it.
func TestReactivateUser(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id, other := s.person(pb.UserType_USER_TYPE_TENANT), s.person(pb.UserType_USER_TYPE_TENANT)
	s.send(id, app)
	back := &pb.ReactivateUserRequest{OrganizationId: org, UserId: id}
	_, err := s.ReactivateUser(t.Context(), back)
	must(t, err) // nothing to do
	s.deactivate(id)
	resp, err := s.ReactivateUser(t.Context(), back)
	must(t, err)
	if u := resp.GetUser(); u.GetDeactivatedAt() != nil || u.GetEmail() == "" || u.GetAccountStatus() != pb.AccountStatus_ACCOUNT_STATUS_OFFLINE {
		t.Errorf("got %v", u)
	}
	s.send(id, app)
	s.deactivate(id)
	_, err = s.UpdateEmail(t.Context(), &pb.UpdateEmailRequest{OrganizationId: org, UserId: other, Email: id + "@example.com", FollowUp: pb.FollowUp_FOLLOW_UP_LATER})
	must(t, err)
	_, err = s.ReactivateUser(t.Context(), back)
	want(t, err, codes.AlreadyExists, pb.ErrorReason_EMAIL_IN_USE)
	back.WithoutEmail = true
	resp, err = s.ReactivateUser(t.Context(), back)
	must(t, err)
	if u := resp.GetUser(); u.GetDeactivatedAt() != nil || u.GetEmail() != "" {
		t.Errorf("got %v", u)
	}
}

// TestBatchOfTooMuchMail: each refused user hears when to try again, and the same
// batch tries them again.
func TestBatchOfTooMuchMail(t *testing.T) {
	t.Parallel()
	s := newStackOn(t, pgtest.Database(t), io.Discard, unlimited, postgres.Limit{N: 5, Per: 24 * time.Hour})
	s.people(8)
	req := &pb.BatchSendRequest{OrganizationId: org, Target: app, Action: pb.Action_ACTION_SEND, RequestId: uuid.NewString()}
	for i := range 8 {
		req.UserIds = append(req.UserIds, fmt.Sprintf("u%d", i+1))
	}
	throttled := func() (n int) {
		resp, err := s.BatchSend(t.Context(), req)
		must(t, err)
		for _, r := range resp.GetResults() {
			if late := r.GetReason() == pb.ErrorReason_MAIL_THROTTLED; late != (r.GetRetryDelay().AsDuration() > 0) {
				t.Errorf("got %v", r)
			} else if late {
				n++
			}
		}
		return n
	}
	if n := throttled(); n != 3 {
		t.Errorf("%d are throttled, want 3", n)
	}
	s.exec(`DELETE FROM mail_limits`)
	if n := throttled(); n != 0 {
		t.Errorf("%d are still throttled", n)
	}
	if n := s.count(`SELECT count(*) FROM deliveries`); n != 8 {
		t.Errorf("%d mails, want 8", n)
	}
}
