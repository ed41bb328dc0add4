package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

const (
	organization = "failover"
	callers      = 8
	// impatience is when a call is given up, and repeated elsewhere.
	impatience = 5 * time.Second
)

// begin has everybody call until the returned function is called, which waits for
// those who are still repeating something.
func (l *ledger) begin(ctx context.Context, s *site) (end func()) {
	var group sync.WaitGroup
	ctx, giveUp := context.WithCancel(ctx)
	ending := make(chan struct{})
	each := func(do func(n int)) {
		group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-ending:
					return
				case <-ctx.Done():
					return
				default:
					do(n)
				}
			}
		})
	}
	for range callers {
		each(func(n int) { l.invite(ctx, s, n) })
	}
	for i := range s.servers {
		each(func(int) { l.report(ctx, s, i) })
		l.follow(ctx, s.servers[i].client)
	}
	return sync.OnceFunc(func() {
		close(ending)
		group.Wait()
		l.catchUp(ctx)
		giveUp()
	})
}

// invite makes somebody, and has two redeem the link at the same time.
func (l *ledger) invite(ctx context.Context, s *site, n int) {
	p := &person{id: uuid.NewString()}
	create := &pb.CreateUserRequest{
		OrganizationId: organization, UserId: p.id, Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Anna Schmidt",
		RequestId: uuid.NewString(), Invite: pb.Invite_INVITE_LATER,
	}
	err := l.persist(ctx, s, n, func(ctx context.Context, c caller) error {
		_, err := c.CreateUser(ctx, create)
		return err
	})
	if err != nil {
		l.wonder("CreateUser", err)
		return
	}
	l.change(func() { l.people = append(l.people, p) })
	share := &pb.GenerateQRRequest{OrganizationId: organization, UserId: p.id, Target: pb.Target_TARGET_APP, RequestId: uuid.NewString()}
	err = l.persist(ctx, s, n, func(ctx context.Context, c caller) error {
		answer, err := c.GenerateQR(ctx, share)
		p.token = answer.GetLink()[strings.LastIndexByte(answer.GetLink(), '/')+1:]
		return err
	})
	if err != nil {
		l.wonder("GenerateQR", err)
		return
	}
	var rivals sync.WaitGroup
	for rival := range 2 {
		rivals.Go(func() { l.redeem(ctx, s, n+rival, p) })
	}
	rivals.Wait()
	if p.redeemed == 0 && ctx.Err() == nil {
		l.wonder("Redeem", errors.New("nobody could"))
	}
}

func (l *ledger) redeem(ctx context.Context, s *site, n int, p *person) {
	req := &pb.RedeemRequest{Token: p.token, RequestId: uuid.NewString()}
	err := l.persist(ctx, s, n, func(ctx context.Context, c caller) error {
		_, err := c.Redeem(ctx, req)
		return err
	})
	switch {
	case err == nil:
		l.change(func() { p.redeemed++ })
	case client.Reason(err) != pb.ErrorReason_INVITATION_REDEEMED:
		l.wonder("Redeem", err)
	}
}

// persist repeats a call, at one server and the other, until it is answered.
func (l *ledger) persist(ctx context.Context, s *site, n int, call func(context.Context, caller) error) error {
	for ; ; n++ {
		attempt, cancel := context.WithTimeout(ctx, impatience)
		err := call(attempt, s.caller(n))
		cancel()
		if code := status.Code(err); code != codes.Unavailable && code != codes.DeadlineExceeded {
			l.note(nil)
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.note(err)
		pause(ctx, 100*time.Millisecond)
	}
}

// wonder keeps an answer that nobody should get.
func (l *ledger) wonder(call string, err error) {
	if !errors.Is(err, context.Canceled) {
		l.change(func() { l.odd = append(l.odd, fmt.Errorf("%s: %w", call, err)) })
	}
}

// report tells of a mail, as the provider does: again and again until somebody says
// that it was taken in.
func (l *ledger) report(ctx context.Context, s *site, n int) {
	id := uuid.NewString()
	body := fmt.Appendf(nil, `[{"event":"delivered","sg_event_id":%q,"delivery_id":%q,"timestamp":%d}]`, id, uuid.NewString(), time.Now().Unix())
	for ; ctx.Err() == nil; n++ {
		if s.post(ctx, n, body) == nil {
			l.change(func() { l.reports = append(l.reports, id) })
			break
		}
	}
	pause(ctx, 20*time.Millisecond)
}

func (s *site) post(ctx context.Context, n int, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, impatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.servers[n%len(s.servers)].webhook+"/webhooks/sendgrid", bytes.NewReader(body))
	if err != nil {
		return err
	}
	if req.Header, err = sendgridtest.Sign(s.key, time.Now(), body); err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode/100 != 2 {
		return fmt.Errorf("answered with %s: %w", answer.Status, err)
	}
	return nil
}

// follow has somebody follow the trail at a server.
func (l *ledger) follow(ctx context.Context, from *client.Client) {
	c := &consumer{}
	l.consumers = append(l.consumers, c)
	go func() {
		for got, err := range from.Watch(ctx, organization, "") {
			if err != nil {
				l.wonder("WatchEvents", err)
				return
			}
			l.change(func() { c.events = append(c.events, got.GetEvent()) })
		}
	}()
}

// catchUp returns when consumers were told all that there is, or of nothing for a
// while.
func (l *ledger) catchUp(ctx context.Context) {
	for seen := -1; ctx.Err() == nil; pause(ctx, 2*time.Second) {
		now := 0
		l.change(func() {
			for _, c := range l.consumers {
				now += len(c.events)
			}
		})
		if now == seen {
			return
		}
		seen = now
	}
}
