package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// unavailable is what callers hear while the database is away.
var unavailable = &invitation.RetryError{Err: invitation.ErrUnavailable, After: time.Second}

// constraints that decide races, and the refusal that losing one means. The
// text of a driver's error decides nothing and goes nowhere: it holds values.
var constraints = map[string]error{
	"users_active_email": invitation.ErrEmailInUse,
	"users_pkey":         invitation.ErrUserExists,
	"requests_pkey":      invitation.ErrRequestIDReused,
}

// translate turns a driver's error into the domain's, or into one that names
// the SQLSTATE and nothing else.
func translate(err error) error {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &pg):
		if refusal := constraints[pg.ConstraintName]; refusal != nil && pg.Code == "23505" {
			return refusal
		}
		if transient(err) {
			return unavailable
		}
		return fmt.Errorf("postgres: SQLSTATE %s on %q, constraint %q", pg.Code, pg.TableName, pg.ConstraintName)
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case transient(err):
		return unavailable
	default:
		return fmt.Errorf("postgres: %T", err)
	}
}

// refused reports whether Postgres found fault with what was written: a
// constraint (class 23) or a value (class 22).
func refused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code[:2] == "23" || pg.Code[:2] == "22")
}

// transient reports whether the same transaction may succeed later: it lost a
// conflict, the server is going away, full, or a standby, or the connection
// failed or timed out.
func transient(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40001", "40P01", "25006", "57P01", "57P02", "57P03", "57P05", "53300", "57014", "55P03", "25P03":
			return true
		}
		return pg.Code[:2] == "08"
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.Timeout(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, invitation.ErrUnavailable) || errors.Is(err, errStale) ||
		pgconn.SafeToRetry(err) || errors.Is(err, pgconn.ErrConnClosed)
}
