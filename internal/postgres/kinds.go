package postgres

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// The kinds of columns. The driver's values are pgtype's: others, uuid.UUID
// above all, take the way through database/sql's interfaces, which costs
// garbage. Where a column's name says optional, and for times, a zero value of
// Go, which the column may not hold, is NULL.

func text[R any, S ~string](name string, field func(*R) *S, uses ...usage) column[R] {
	return in(name, "text", field, someText[S], readText[S], uses)
}

func optionalText[R any, S ~string](name string, field func(*R) *S, uses ...usage) column[R] {
	return in(name, "text", field, nullText[S], readText[S], uses)
}

func flag[R any](name string, field func(*R) *bool, uses ...usage) column[R] {
	return in(name, "bool", field, func(b bool) pgtype.Bool { return pgtype.Bool{Bool: b, Valid: true} },
		func(b *bool, v pgtype.Bool) { *b = v.Bool }, uses)
}

func number[R any](name string, field func(*R) *int, uses ...usage) column[R] {
	return in(name, "int", field, func(n int) pgtype.Int4 { return pgtype.Int4{Int32: int32(n), Valid: true} }, readInt, uses)
}

func optionalNumber[R any](name string, field func(*R) *int, uses ...usage) column[R] {
	return in(name, "int", field, func(n int) pgtype.Int4 { return pgtype.Int4{Int32: int32(n), Valid: n != 0} }, readInt, uses)
}

func bigNumber[R any](name string, field func(*R) *int64, uses ...usage) column[R] {
	return in(name, "bigint", field, func(n int64) pgtype.Int8 { return pgtype.Int8{Int64: n, Valid: true} },
		func(n *int64, v pgtype.Int8) { *n = v.Int64 }, uses)
}

func optionalID[R any](name string, field func(*R) *uuid.UUID, uses ...usage) column[R] {
	return in(name, "uuid", field, nullID, func(id *uuid.UUID, v pgtype.UUID) { *id = v.Bytes }, uses)
}

func moment[R any](name string, field func(*R) *time.Time, uses ...usage) column[R] {
	c := in(name, "timestamptz", field, nullTime, func(t *time.Time, v pgtype.Timestamptz) { *t = v.Time }, uses)
	c.same = func(a, b *R) bool { return field(a).Equal(*field(b)) }
	return c
}

func span[R any](name string, field func(*R) *time.Duration) column[R] {
	return in(name, "interval", field, func(d time.Duration) pgtype.Interval {
		return pgtype.Interval{Microseconds: d.Microseconds(), Valid: true}
	},
		func(d *time.Duration, v pgtype.Interval) { *d = time.Duration(v.Microseconds) * time.Microsecond }, nil)
}

func octets[R any](name string, field func(*R) *[]byte) column[R] {
	return column[R]{
		name: name, kind: "bytea",
		value: func(r *R) any { return *field(r) },
		array: func(rows []*R) any { return array(rows, func(r *R) []byte { return *field(r) }) },
	}
}

// lines are one text, with a line break between two of them.
func lines[R any](name string, field func(*R) *[]string) column[R] {
	joined := func(r *R) pgtype.Text { return someText(strings.Join(*field(r), "\n")) }
	return column[R]{
		name: name, kind: "text",
		value: func(r *R) any { return joined(r) },
		array: func(rows []*R) any { return array(rows, joined) },
		cell: func() cell[R] {
			value := new(pgtype.Text)
			return cell[R]{value, func(r *R) {
				if *field(r) = nil; value.String != "" {
					*field(r) = strings.Split(value.String, "\n")
				}
			}}
		},
		same: func(a, b *R) bool { return slices.Equal(*field(a), *field(b)) },
	}
}

// sum declares a column that is derived from more than one field.
func sum[R any, V comparable, D any](name, kind string, value func(*R) V, write func(V) D) column[R] {
	return column[R]{
		name: name, kind: kind, usage: derived,
		value: func(r *R) any { return write(value(r)) },
		array: func(rows []*R) any { return inPlace[D](array(rows, func(r *R) D { return write(value(r)) })) },
		same:  func(a, b *R) bool { return value(a) == value(b) },
	}
}

// address and mailbox are the two columns of an e-mail address: as it is shown,
// and what makes it one mailbox.

func address[R any](name string, field func(*R) *invitation.Email, uses ...usage) column[R] {
	return in(name, "text", field, func(e invitation.Email) pgtype.Text { return nullText(e.Address()) },
		func(e *invitation.Email, v pgtype.Text) { *e = invitation.NewEmail(v.String, e.Key()) }, uses)
}

func mailbox[R any](name string, field func(*R) *invitation.Email, uses ...usage) column[R] {
	return in(name, "text", field, func(e invitation.Email) pgtype.Text { return nullText(e.Key()) },
		func(e *invitation.Email, v pgtype.Text) { *e = invitation.NewEmail(e.Address(), v.String) }, uses)
}

func someText[S ~string](s S) pgtype.Text { return pgtype.Text{String: string(s), Valid: true} }

func nullText[S ~string](s S) pgtype.Text { return pgtype.Text{String: string(s), Valid: s != ""} }

func readText[S ~string](s *S, v pgtype.Text) { *s = S(v.String) }

func readInt(n *int, v pgtype.Int4) { *n = int(v.Int32) }

func some(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

func nullID(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: id != uuid.Nil} }

func nullTime(t time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()} }
