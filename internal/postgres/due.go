package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

const selectExpired = `
SELECT id, target FROM invitations
WHERE state = 'PENDING' AND NOT expiry_noted AND expires_at <= now()
ORDER BY expires_at LIMIT $1`

// Expired returns some invitations whose time passed and of which no event tells
// yet. Several servers may get the same ones: the rule finds out.
func (s *Store) Expired(ctx context.Context, limit int) ([]invitation.Due, error) {
	return s.due(ctx, selectExpired, limit)
}

// Ending returns some mailed invitations, not reminded of yet, that expire within
// the given time.
func (s *Store) Ending(ctx context.Context, within time.Duration, limit int) ([]invitation.Due, error) {
	return s.due(ctx, `
SELECT i.id, i.target FROM invitations i
JOIN deliveries d ON d.id = i.delivery_id AND d.state IN ('ACCEPTED', 'DEFERRED', 'DELIVERED')
JOIN users u ON u.id = i.user_id AND u.undeliverable = '' AND u.deactivated_at IS NULL
WHERE i.state = 'PENDING' AND NOT i.expiry_noted AND NOT i.reminded AND i.mailed_open
	AND i.expires_at > now() AND i.expires_at <= now() + $2::interval
ORDER BY i.expires_at LIMIT $1`, limit, within)
}

func (s *Store) due(ctx context.Context, query string, args ...any) ([]invitation.Due, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("look for what is due: %w", translate(err))
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (invitation.Due, error) {
		var d invitation.Due
		var target pgtype.Text
		err := row.Scan(&d.Key.InvitationID, &target)
		readTarget(&d.Target, target)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for what is due: %w", translate(err))
	}
	return due, nil
}
