package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table is printed as Markdown, with its columns under one another.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	t.printRow(w, widths, t.head)
	for i, width := range widths {
		fmt.Fprint(w, "|", strings.Repeat("-", width+1))
		if i == 0 {
			fmt.Fprint(w, "-")
		} else {
			fmt.Fprint(w, ":") // figures stand to the right
		}
	}
	fmt.Fprintln(w, "|")
	for _, row := range t.rows {
		t.printRow(w, widths, row)
	}
}

func (t *table) printRow(w io.Writer, widths []int, row []string) {
	for i, cell := range row {
		fill := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if i == 0 {
			fmt.Fprint(w, "| ", cell, fill)
		} else {
			fmt.Fprint(w, " | ", fill, cell)
		}
	}
	fmt.Fprintln(w, " |")
}

// rates is the table of all rows: medians over the rounds.
func rates(b *book) *table {
	t := &table{head: []string{
		"", "callers", "per second", "p50 ms", "p99 ms", "CPU µs each: client", "service", "Postgres",
		"pgbench: per second", "p50 ms", "p99 ms", "CPU µs each: client", "Postgres", "rate ÷ pgbench",
	}}
	for _, r := range b.rows {
		of := func(samples []sample, figure func(sample) float64) string { return number(medianOf(samples, figure)) }
		p99 := func(m sample) float64 { return m.P99 }
		client := func(m sample) float64 { return m.CPU.Client }
		service := func(m sample) float64 { return m.CPU.Service }
		postgres := func(m sample) float64 { return m.CPU.Postgres }
		t.add(r.Title, callers(r.Callers),
			of(r.Service, rate), of(r.Service, p50), of(r.Service, p99), of(r.Service, client), of(r.Service, service), of(r.Service, postgres),
			of(r.Pgbench, rate), of(r.Pgbench, p50), of(r.Pgbench, p99), of(r.Pgbench, client), of(r.Pgbench, postgres),
			number(medianRatio(r.Service, r.Pgbench, rate)))
	}
	return t
}

func verdicts(all []verdict) *table {
	t := &table{head: []string{"must reach", "measured", ""}}
	for _, v := range all {
		word := "missed"
		if v.Reached {
			word = "reached"
		}
		t.add(v.Goal, number(v.Measured)+" "+v.Unit, word)
	}
	return t
}

// callers shows nothing where nobody calls.
func callers(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// number shows three digits, or all in front of the point, and nothing for 0,
// which means that there is none.
func number(v float64) string {
	switch {
	case v == 0:
		return ""
	case v >= 1000:
		text := strconv.FormatFloat(v, 'f', 0, 64)
		for i := len(text) - 3; i > 0; i -= 3 {
			text = text[:i] + "," + text[i:]
		}
		return text
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// strangers tells of what else the machine did. It hits the sides unevenly: the
// system gives every process its share, and pgbench has many.
func strangers(w io.Writer, b *book) {
	var all []sample
	for _, r := range b.rows {
		all = append(append(all, r.Service...), r.Pgbench...)
	}
	cores := medianOf(all, func(m sample) float64 { return m.Others })
	fmt.Fprintf(w, "\nOther processes kept %.2f cores busy meanwhile (median).", cores)
	if cores > 0.15 {
		fmt.Fprint(w, " That is much: such figures say little, and the CPU time of each call says most.")
	}
	fmt.Fprintln(w)
}

// failures tells of calls that failed: rates count none of them.
func failures(w io.Writer, b *book) {
	for _, r := range b.rows {
		failed := 0
		for _, m := range r.Service {
			failed += m.Failed
		}
		if failed > 0 {
			fmt.Fprintf(w, "\n%s with %d callers: %d calls failed.\n", r.Title, r.Callers, failed)
		}
	}
}
