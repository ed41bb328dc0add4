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

// reasonOf names an error for the log, and quotes nothing of it.
func reasonOf(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return "SQLSTATE " + pg.Code
	}
	return fmt.Sprintf("%T", err)
}

// refused reports whether Postgres found fault with what was written: a
// constraint (class 23) or a value (class 22).
func refused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code[:2] == "23" || pg.Code[:2] == "22")
}

// passing are the SQLSTATEs of what passes by itself: a lost conflict, a server
// that goes away, is full or a standby, a disk or a memory that is full, and a
// schema that changed or is yet to.
var passing = map[string]bool{
	"40001": true, "40P01": true, "25006": true, "25P03": true, "25P04": true, "55P03": true, "57014": true,
	"57P01": true, "57P02": true, "57P03": true, "57P04": true, "57P05": true,
	"53000": true, "53100": true, "53200": true, "53300": true, "53400": true,
	"0A000": true, "42P01": true, "42703": true,
}

// stalePlan reports whether a table was changed under a statement that a session
// had prepared. The driver prepares it anew.
func stalePlan(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "0A000"
}

// transient reports whether the same transaction may succeed later. Whatever
// keeps a connection from being made passes by itself too.
func transient(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &connect):
		return true
	case errors.As(err, &pg):
		class := pg.Code[:2]
		return passing[pg.Code] || class == "08" || class == "58"
	}
	return errors.As(err, &network) || pgconn.Timeout(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, invitation.ErrUnavailable) || errors.Is(err, errStale) ||
		pgconn.SafeToRetry(err) || errors.Is(err, pgconn.ErrConnClosed)
}
