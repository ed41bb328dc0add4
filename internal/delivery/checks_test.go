package delivery_test

import (
	"context"
	"strings"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// mail is the latest mail of a user's invitation to the app.
func (s *stack) mail(id string) *invitation.Delivery {
	s.Helper()
	res, err := s.store.Read(s.Context(), invitation.Key{UserID: id})
	must(s, err)
	return res.User.LatestDelivery(res.User.Invitations[app])
}

// await waits until a query counts n. Meanwhile the queue's waits are over, as
// if time passed.
func (s *stack) await(n int, query string, args ...any) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	for got := -1; got != n; {
		_, err := s.pool.Exec(ctx, `UPDATE river_job SET state = 'available', scheduled_at = now()
			WHERE kind = 'invitation_mail' AND (state IN ('retryable', 'scheduled') OR state = 'available' AND scheduled_at > now())`)
		must(s, err)
		if err := s.pool.QueryRow(ctx, query, args...).Scan(&got); err != nil {
			s.Fatalf("got %d instead of %d: %v", got, n, err)
		}
	}
}

// settled waits until no mail's job is left to be worked on.
func (s *stack) settled() {
	s.Helper()
	s.await(0, `SELECT count(*) FROM river_job WHERE kind = 'invitation_mail' AND finalized_at IS NULL`)
}

func (s *stack) exec(sql string, args ...any) {
	s.Helper()
	pgtest.Exec(s, s.pool, sql, args...)
}

func (s *stack) text(sql string, args ...any) string {
	s.Helper()
	return pgtest.Text(s, s.pool, sql, args...)
}

// sentTo are the mails that the provider took for a user.
func (s *stack) sentTo(id string) (mails []sendgridtest.Message) {
	for _, m := range s.inbox.Messages() {
		if strings.EqualFold(m.To, addressOf(id)) {
			mails = append(mails, m)
		}
	}
	return mails
}

// want fails unless a user's mail came to this, and the provider has so many.
func (s *stack) want(id string, state invitation.DeliveryState, sent int) {
	s.Helper()
	d := s.mail(id)
	if d == nil || d.State != state || len(s.sentTo(id)) != sent {
		s.Errorf("%s: the mail is %+v, and %d were sent; want %s and %d", id, d, len(s.sentTo(id)), state, sent)
	}
}
