package postgres

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// request is a request that was carried out.
type request struct {
	id          uuid.UUID
	fingerprint []byte
	userID      string
	answer      []byte
	createdAt   time.Time
}

var requests = declare("requests", "q",
	optionalID("id", func(r *request) *uuid.UUID { return &r.id }),
	octets("fingerprint", func(r *request) *[]byte { return &r.fingerprint }),
	text("user_id", func(r *request) *string { return &r.userID }),
	octets("answer", func(r *request) *[]byte { return &r.answer }),
	moment("created_at", func(r *request) *time.Time { return &r.createdAt }),
)

var insertRequests = insertInto(requests)

// keyOf is the id under which a request is kept; uuid.Nil if it is not. A part of
// a request has one of its own, which no caller can have drawn.
func keyOf(r invitation.Request) uuid.UUID {
	if r.ID == uuid.Nil || r.Part == "" {
		return r.ID
	}
	return uuid.NewSHA1(r.ID, []byte(r.Part))
}

// A request that is repeated writes too; see the package's comment. The time is
// read behind the locks, so that times never run against the order of changes.
const markRequests = `
WITH marked AS (
	UPDATE requests SET uses = uses + 1 WHERE id = ANY ($1::uuid[]) RETURNING id, fingerprint, user_id, answer
)
SELECT clock_timestamp(), marked.* FROM (SELECT) AS clock LEFT JOIN marked ON true`

// scanRequests reads the time too, which is there even if no request is.
func (s *snapshot) scanRequests(rows pgx.Rows) error {
	var id pgtype.UUID
	var user pgtype.Text
	var fingerprint, answer []byte
	_, err := pgx.ForEachRow(rows, []any{&s.now, &id, &fingerprint, &user, &answer}, func() error {
		if id.Valid {
			s.requests[id.Bytes] = request{id: id.Bytes, fingerprint: fingerprint, userID: user.String, answer: answer}
		}
		return nil
	})
	return err
}
