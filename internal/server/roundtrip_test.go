package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/mail"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestRollOutRoundTrip: a hundred organizations file their tenants, invite them,
// and some redeem what came by mail. Every list and every count agrees.
func TestRollOutRoundTrip(t *testing.T) {
	t.Parallel()
	const organizations, tenants, online = 100, 12, 5
	s := newStack(t)
	inbox := &postbox{mails: make(chan invitation.Message, organizations*tenants)}
	s.work(inbox)
	var all sync.WaitGroup
	for o := range organizations {
		all.Go(func() { s.rollOut(fmt.Sprintf("org-%d", o), tenants) })
	}
	all.Wait()
	if t.Failed() {
		return
	}
	redeemed := map[string]int{}
	for range organizations * tenants {
		m := <-inbox.mails
		token := tokenIn.FindStringSubmatch(m.Text)[1]
		look, err := s.Preview(t.Context(), &pb.PreviewRequest{Token: token})
		must(t, err)
		if redeemed[look.GetOrganizationId()] == online {
			continue
		}
		redeemed[look.GetOrganizationId()]++
		_, err = s.Redeem(t.Context(), &pb.RedeemRequest{Token: token})
		must(t, err)
	}
	for o := range organizations {
		id := fmt.Sprintf("org-%d", o)
		for status, count := range map[pb.AccountStatus]int{
			pb.AccountStatus_ACCOUNT_STATUS_UNSPECIFIED: tenants, pb.AccountStatus_ACCOUNT_STATUS_ONLINE: online,
			pb.AccountStatus_ACCOUNT_STATUS_INVITED: tenants - online, pb.AccountStatus_ACCOUNT_STATUS_OFFLINE: 0,
		} {
			users := s.userPages(&pb.ListUsersRequest{OrganizationId: id, AccountStatus: status, Deactivated: proto.Bool(false), PageSize: 5})
			if len(users) != count {
				t.Errorf("%s lists %d users as %v, want %d", id, len(users), status, count)
			}
		}
		for state, count := range map[pb.InvitationState]int{
			pb.InvitationState_INVITATION_STATE_REDEEMED: online, pb.InvitationState_INVITATION_STATE_PENDING: tenants - online,
		} {
			resp, err := s.ListInvitations(t.Context(), &pb.ListInvitationsRequest{OrganizationId: id, State: state})
			must(t, err)
			if len(resp.GetInvitations()) != count {
				t.Errorf("%s lists %d invitations as %v, want %d", id, len(resp.GetInvitations()), state, count)
			}
		}
		for event, count := range map[string]int{"USER_CREATED": tenants, "INVITATION_ISSUED": tenants, "INVITATION_REDEEMED": online, "EMAIL_CONFIRMED": online} {
			if n := s.count(`SELECT count(*) FROM events WHERE organization_id = $1 AND type = $2`, id, event); n != count {
				t.Errorf("%s has %d events %s, want %d", id, n, event, count)
			}
		}
	}
}

// rollOut files an organization's tenants and invites them all.
func (s *stack) rollOut(organization string, tenants int) {
	create := &pb.BatchCreateUsersRequest{OrganizationId: organization}
	send := &pb.BatchSendRequest{OrganizationId: organization, Target: app, Action: pb.Action_ACTION_SEND}
	for n := range tenants {
		id := fmt.Sprintf("%s|%d", organization, n)
		create.Users = append(create.Users, one(id, fmt.Sprintf("%d@%s.example", n, organization)))
		send.UserIds = append(send.UserIds, id)
	}
	created, err := s.BatchCreateUsers(s.t.Context(), create)
	if err != nil {
		s.t.Errorf("file the tenants of %s: %v", organization, err)
		return
	}
	sent, err := s.BatchSend(s.t.Context(), send)
	if err != nil {
		s.t.Errorf("invite the tenants of %s: %v", organization, err)
		return
	}
	for n := range tenants {
		if c, r := created.GetResults()[n].GetReason(), sent.GetResults()[n].GetReason(); c != 0 || r != 0 {
			s.t.Errorf("tenant %d of %s: %v, %v", n, organization, c, r)
		}
	}
}

var tokenIn = regexp.MustCompile(`https://app\.kiwi\.example/i/([0-9A-Za-z]{46})`)

// postbox is where mails arrive.
type postbox struct{ mails chan invitation.Message }

// Send implements delivery.Sender.
func (p *postbox) Send(_ context.Context, m invitation.Message) error {
	p.mails <- m
	return nil
}

// idle is an agenda with nothing on it.
type idle struct{}

func (idle) Expired(context.Context, int) ([]invitation.Due, error)               { return nil, nil }
func (idle) Ending(context.Context, time.Duration, int) ([]invitation.Due, error) { return nil, nil }
func (idle) Forget(context.Context) error                                         { return nil }

// work has workers send mails until the test ends.
func (s *stack) work(to delivery.Sender) {
	s.t.Helper()
	workers, err := delivery.NewWorkers(delivery.Config{
		Pool: s.pool, Store: s.store, Rest: s.store, Sender: to, Linker: s.linker, Render: mail.Render, Logger: slog.New(slog.DiscardHandler),
		Concurrency: 8, Agenda: idle{},
	})
	must(s.t, err)
	must(s.t, workers.Start(harness.Within(s.t)))
	s.t.Cleanup(func() { must(s.t, workers.Stop(context.Background())) })
}
