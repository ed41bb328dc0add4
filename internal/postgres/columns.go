package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// table is a table whose rows are R in Go. Each column is declared once, in the
// file that is called like the table; lists of columns, statements, scans and
// comparisons follow from that. The first column is the key.
type table[R any] struct {
	name, alias string
	// written are what a new row has to say, changing the key and what may
	// change, read what scan takes.
	written, changing, read []column[R]
}

func declare[R any](name, alias string, columns ...column[R]) *table[R] {
	without := func(usages ...usage) []column[R] {
		return slices.DeleteFunc(slices.Clone(columns), func(c column[R]) bool { return slices.Contains(usages, c.usage) })
	}
	return &table[R]{
		name: name, alias: alias, written: without(assigned),
		changing: append(columns[:1:1], without(fixed, owned, assigned)...),
		read:     without(owned, derived),
	}
}

// column is one column: its name and type, how it is written, read and compared,
// and whether it may change. It is written as one value, or as those of many rows.
type column[R any] struct {
	name, kind string
	usage      usage
	value      func(row *R) any
	array      func(rows []*R) any
	cell       func() cell[R]
	same       func(a, b *R) bool
}

// usage says when a column is written and read; the zero value is always.
type usage int

const (
	// fixed columns are written with a new row and never again.
	fixed usage = iota + 1
	// owned ones are too, and not read: they repeat what the row's owner has.
	owned
	// assigned ones are read only: Postgres makes them.
	assigned
	// derived ones are not read: they sum up what stands elsewhere, for lists.
	derived
)

// cell takes a column out of one row after the other: what the driver scans
// into, and how to put that into a row.
type cell[R any] struct {
	dest  any
	store func(*R)
}

// in declares a column that holds a field: how a value V of Go becomes one of the
// driver's, D, and is set by one.
func in[R any, V comparable, D any](name, kind string, field func(*R) *V, write func(V) D, read func(*V, D), uses []usage) column[R] {
	return column[R]{
		name: name, kind: kind, usage: append(uses, 0)[0],
		value: func(r *R) any { return write(*field(r)) },
		array: func(rows []*R) any {
			return inPlace[D](array(rows, func(r *R) D { return write(*field(r)) }))
		},
		cell: func() cell[R] {
			value := new(D)
			return cell[R]{value, func(r *R) { read(field(r), *value) }}
		},
		same: func(a, b *R) bool { return *field(a) == *field(b) },
	}
}

// array takes one value out of each row, to be passed as one parameter.
func array[R, D any](rows []R, value func(R) D) pgtype.FlatArray[D] {
	values := make(pgtype.FlatArray[D], len(rows))
	for i, r := range rows {
		values[i] = value(r)
	}
	return values
}

// inPlace is an array of values that the driver reads where they are: it copies each
// of a FlatArray to the heap.
type inPlace[D any] pgtype.FlatArray[D]

// Dimensions implements pgtype.ArrayGetter.
func (a inPlace[D]) Dimensions() []pgtype.ArrayDimension {
	return pgtype.FlatArray[D](a).Dimensions()
}

// Index implements pgtype.ArrayGetter.
func (a inPlace[D]) Index(i int) any { return &a[i] }

// IndexType implements pgtype.ArrayGetter.
func (a inPlace[D]) IndexType() any { return new(D) }

// selected is the list of columns for a SELECT, in the order of scan.
func (t *table[R]) selected() string {
	return list(t.read, t.alias+".%s")
}

// insertInto is the part of a statement that adds rows.
func insertInto[R any](t *table[R]) *part[R] {
	return newPart("new_"+t.name, t.written, fmt.Sprintf("INSERT INTO %s (%s) SELECT * FROM {rows} ORDER BY r.%s",
		t.name, list(t.written, "%s"), t.written[0].name))
}

// updateOf is the part of a statement that changes rows.
func updateOf[R any](t *table[R]) *part[R] {
	return newPart("changed_"+t.name, t.changing, fmt.Sprintf("UPDATE %s SET %s FROM {rows} WHERE %s.%s = r.%[4]s",
		t.name, list(t.changing[1:], "%s = r.%[1]s"), t.name, t.changing[0].name))
}

// changed reports whether a row has to be written again.
func (t *table[R]) changed(was, is *R) bool {
	return slices.ContainsFunc(t.changing, func(c column[R]) bool { return !c.same(was, is) })
}

// parameters are one for each column, numbered from first on. A suffix of [] makes
// arrays of them.
func parameters[R any](columns []column[R], first int, suffix string) string {
	var all []string
	for i, c := range columns {
		all = append(all, fmt.Sprintf("$%d::%s%s", first+i, c.kind, suffix))
	}
	return strings.Join(all, ", ")
}

// values are the arguments for one row.
func values[R any](columns []column[R], row *R) []any {
	args := make([]any, len(columns))
	for i, c := range columns {
		args[i] = c.value(row)
	}
	return args
}

// arrays are the arguments for any number of rows.
func arrays[R any](columns []column[R], rows []*R) []any {
	args := make([]any, len(columns))
	for i, c := range columns {
		args[i] = c.array(rows)
	}
	return args
}

// list writes each column's name in a format.
func list[R any](columns []column[R], format string) string {
	var items []string
	for _, c := range columns {
		items = append(items, fmt.Sprintf(format, c.name))
	}
	return strings.Join(items, ", ")
}

// scan takes a table's columns out of rows. Where a left join found none, every
// value is the zero one, the key's too.
type scan[R any] []cell[R]

func (t *table[R]) scan() scan[R] {
	return scan[R](array(t.read, func(c column[R]) cell[R] { return c.cell() }))
}

// dests are what the driver scans into, in the order of selected.
func (s scan[R]) dests() []any {
	return array(s, func(c cell[R]) any { return c.dest })
}

// into fills a row with what was scanned last.
func (s scan[R]) into(r *R) *R {
	for _, c := range s {
		c.store(r)
	}
	return r
}
