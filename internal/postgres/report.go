package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// reportPause is how long reports wait before they are tried again, twice as long
// each time.
const reportPause = 20 * time.Millisecond

// Report records what the provider says of mails, all of it in one transaction,
// and returns how many reports were about mails of ours. A report that was taken
// in before changes nothing.
func (s *Store) Report(ctx context.Context, reports []invitation.Report) (known int, err error) {
	ctx, leave, err := s.reports.enter(ctx, 10*s.timeout)
	if err != nil {
		return 0, err
	}
	defer leave()
	for n := 0; ; n++ {
		known, err = s.report(ctx, reports)
		if err == nil || !transient(err) || n == maxRepeats {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(reportPause << n):
		}
	}
	if err != nil {
		return 0, fmt.Errorf("record reports: %w", translate(err))
	}
	return known, nil
}

func (s *Store) report(ctx context.Context, reports []invitation.Report) (known int, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	defer giveBack(ctx, conn)
	fresh, err := s.keepNew(ctx, conn, reports)
	if err != nil {
		return 0, fmt.Errorf("look for repeated reports: %w", err)
	}
	calls := make([]*call, len(fresh))
	for i, r := range fresh {
		calls[i] = &call{change: invitation.Change{
			Key:     invitation.Key{DeliveryID: r.DeliveryID, Email: r.To},
			Request: invitation.Request{Cause: "provider"},
			Rule:    func(u *invitation.User, now time.Time) error { return u.Apply(r, now) },
		}}
	}
	b := &pgx.Batch{}
	before := queueLoad(b, calls, true)
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	if len(before.unlocked) > 0 {
		return 0, errStale
	}
	b = &pgx.Batch{}
	after, _ := s.apply(before, calls)
	s.queueSave(b, before, after)
	for _, k := range calls {
		switch {
		case k.err == nil:
			known++
		case !errors.Is(k.err, invitation.ErrInvitationNotFound):
			return 0, k.err
		}
	}
	b.Queue("COMMIT")
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return 0, fmt.Errorf("save: %w", err)
	}
	s.saved(after.events)
	return known, nil
}

// keepNew begins, notes the reports' ids and returns those reports whose ids were
// not there, in their order. A second call with the same ids waits for the first
// to commit, and writes too: what the provider hears was taken in must not be
// what a fail-over takes back.
func (s *Store) keepNew(ctx context.Context, conn *pgxpool.Conn, reports []invitation.Report) ([]invitation.Report, error) {
	ids := array(reports, func(r invitation.Report) string { return r.EventID })
	slices.Sort(ids)
	isNew := make(map[string]bool, len(ids))
	b := s.begin()
	b.Queue(noteReports, slices.Compact(ids)).Query(func(rows pgx.Rows) error {
		var id string
		var inserted bool
		_, err := pgx.ForEachRow(rows, []any{&id, &inserted}, func() error {
			isNew[id] = inserted
			return nil
		})
		return err
	})
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return nil, err
	}
	var fresh []invitation.Report
	for _, r := range reports {
		if isNew[r.EventID] {
			fresh = append(fresh, r)
			delete(isNew, r.EventID)
		}
	}
	return fresh, nil
}

const noteReports = `
INSERT INTO reports (event_id) SELECT unnest($1::text[])
ON CONFLICT (event_id) DO UPDATE SET received_at = reports.received_at
RETURNING event_id, xmax = 0`
