package server_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

const app = pb.Target_TARGET_APP

func (s *stack) preview(token string) error {
	_, err := s.Preview(s.t.Context(), &pb.PreviewRequest{Token: token})
	return err
}

func (s *stack) renew(id string) {
	s.t.Helper()
	_, err := s.Renew(s.t.Context(), &pb.RenewRequest{OrganizationId: org, UserId: id, Target: app})
	must(s.t, err)
}

func (s *stack) revoke(id string) {
	s.t.Helper()
	_, err := s.Revoke(s.t.Context(), &pb.RevokeRequest{OrganizationId: org, UserId: id, Target: app})
	must(s.t, err)
}

// TestOldLinks: a link of an older generation answers with what ended that
// generation, whatever happened since, to Preview and to Redeem alike.
func TestOldLinks(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	cases := []struct {
		name          string
		mailed, share pb.ErrorReason
		end           func(s *stack, id string)
	}{
		{"renewed", pb.ErrorReason_INVITATION_SUPERSEDED, pb.ErrorReason_INVITATION_SUPERSEDED, (*stack).renew},
		{"revoked", pb.ErrorReason_INVITATION_REVOKED, pb.ErrorReason_INVITATION_REVOKED, (*stack).revoke},
		{"revoked, sent again", pb.ErrorReason_INVITATION_REVOKED, pb.ErrorReason_INVITATION_REVOKED, func(s *stack, id string) {
			s.revoke(id)
			s.send(id, app)
		}},
		{"expired", pb.ErrorReason_INVITATION_EXPIRED, pb.ErrorReason_INVITATION_EXPIRED, func(s *stack, id string) { s.age(id, validity) }},
		{"expired, renewed, revoked", pb.ErrorReason_INVITATION_EXPIRED, pb.ErrorReason_INVITATION_EXPIRED, func(s *stack, id string) {
			s.age(id, validity)
			s.renew(id)
			s.revoke(id)
		}},
		{"expired, revoked", pb.ErrorReason_INVITATION_EXPIRED, pb.ErrorReason_INVITATION_EXPIRED, func(s *stack, id string) {
			s.age(id, validity)
			s.revoke(id)
		}},
		{"address changed", pb.ErrorReason_EMAIL_CHANGED, 0, func(s *stack, id string) {
			must(s.t, s.updateEmail(id, app, pb.FollowUp_FOLLOW_UP_LATER))
		}},
		{"address changed, mailed", pb.ErrorReason_EMAIL_CHANGED, 0, func(s *stack, id string) {
			must(s.t, s.updateEmail(id, app, pb.FollowUp_FOLLOW_UP_SEND_NOW))
		}},
		{"address changed, renewed", pb.ErrorReason_EMAIL_CHANGED, pb.ErrorReason_INVITATION_SUPERSEDED, func(s *stack, id string) {
			must(s.t, s.updateEmail(id, app, pb.FollowUp_FOLLOW_UP_LATER))
			s.renew(id)
		}},
		{"redeemed", pb.ErrorReason_INVITATION_REDEEMED, pb.ErrorReason_INVITATION_REDEEMED, func(s *stack, id string) {
			_, err := s.Redeem(s.t.Context(), &pb.RedeemRequest{Token: s.shared(id, app)})
			must(s.t, err)
		}},
		{"renewed, redeemed", pb.ErrorReason_INVITATION_SUPERSEDED, pb.ErrorReason_INVITATION_SUPERSEDED, func(s *stack, id string) {
			s.renew(id)
			_, err := s.Redeem(s.t.Context(), &pb.RedeemRequest{Token: s.mailedToken(id, app)})
			must(s.t, err)
		}},
		{"confirmed elsewhere", pb.ErrorReason_EMAIL_CHANGED, 0, func(s *stack, id string) {
			_, err := s.ConfirmEmail(s.t.Context(), &pb.ConfirmEmailRequest{UserId: id, Email: "private-" + id + "@example.org"})
			must(s.t, err)
		}},
		{"deactivated", pb.ErrorReason_USER_DEACTIVATED, pb.ErrorReason_USER_DEACTIVATED, func(s *stack, id string) {
			_, err := s.DeactivateUser(s.t.Context(), &pb.DeactivateUserRequest{OrganizationId: org, UserId: id})
			must(s.t, err)
		}},
		{"erased", pb.ErrorReason_INVITATION_NOT_FOUND, pb.ErrorReason_INVITATION_NOT_FOUND, func(s *stack, id string) {
			_, err := s.EraseUser(s.t.Context(), &pb.EraseUserRequest{OrganizationId: org, UserId: id})
			must(s.t, err)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := s.with(t)
			id := s.person(pb.UserType_USER_TYPE_TENANT)
			s.send(id, app)
			mailed, shared := s.mailedToken(id, app), s.shared(id, app)
			must(t, s.preview(mailed))
			must(t, s.preview(shared))
			c.end(s, id)
			s.wantDead(mailed, c.mailed)
			s.wantDead(shared, c.share)
		})
	}
}

// wantDead tries a link both ways; reason 0 says that it still works.
func (s *stack) wantDead(token string, reason pb.ErrorReason) {
	s.t.Helper()
	code := codes.FailedPrecondition
	switch reason {
	case 0:
		code = codes.OK
	case pb.ErrorReason_INVITATION_NOT_FOUND:
		code = codes.NotFound
	}
	want(s.t, s.preview(token), code, reason)
	if reason != 0 {
		_, err := s.Redeem(s.t.Context(), &pb.RedeemRequest{Token: token})
		want(s.t, err, code, reason)
	}
}

// TestSharingIsNotRenewing: the QR code on the wall survives whatever is done
// but renewing.
func TestSharingIsNotRenewing(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	wall := s.shared(id, app)
	if again := s.shared(id, app); again != wall {
		t.Error("showing the QR code again gave another link")
	}
	s.send(id, app)
	must(t, s.updateEmail(id, app, pb.FollowUp_FOLLOW_UP_SEND_NOW))
	must(t, s.preview(wall))
	resp, err := s.Redeem(t.Context(), &pb.RedeemRequest{Token: wall})
	must(t, err)
	if resp.GetUser().GetEmailConfirmedAt() != nil {
		t.Error("a shared link confirmed the address")
	}
	if got := resp.GetUser().GetAccountStatus(); got != pb.AccountStatus_ACCOUNT_STATUS_ONLINE {
		t.Errorf("the account is %v", got)
	}
}

// TestForgedTokens: whatever is wrong with a token, the answer is one.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	token := s.shared(id, app)
	last := len(token) - 1
	other := []byte(token)
	other[last] ^= 'a' ^ 'b'
	answers := map[string]bool{}
	for name, forged := range map[string]string{
		"word": "x", "short": token[:last], "long": token + "A", "blank inside": token[:10] + " " + token[11:],
		"padded": token[:last] + "=", "changed": string(other), "upper case": strings.ToUpper(token), "lower case": strings.ToLower(token),
		"unicode": token[:last] + "ſ", "zeros": strings.Repeat("0", len(token)), "largest": strings.Repeat("Z", len(token)),
		"another's link": "https://app.kiwi.example.evil.example/i/" + token, "another folder": "https://app.kiwi.example/j/" + token,
		"a letter before": "x" + token,
	} {
		err := s.preview(forged)
		want(t, err, codes.NotFound, pb.ErrorReason_INVITATION_NOT_FOUND)
		_, redeemed := s.Redeem(t.Context(), &pb.RedeemRequest{Token: forged})
		if err.Error() != redeemed.Error() {
			t.Errorf("%s: Preview says %v, Redeem %v", name, err, redeemed)
		}
		answers[err.Error()] = true
	}
	if len(answers) != 1 {
		t.Errorf("%d different answers: %v", len(answers), answers)
	}
	must(t, s.preview(token))
}
