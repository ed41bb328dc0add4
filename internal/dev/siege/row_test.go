package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestVerdicts: a row is held if others keep their share, none of them is refused,
// and what else is looked at stays within its limit.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	quiet, half := count{answered: 1000, lasting: time.Second}, count{answered: 500, lasting: time.Second}
	refused := count{answered: 1000, failed: 1, lasting: time.Second}
	grown := seen{quiet: quiet, attacked: quiet, before: 50 << 20, most: 90 << 20}
	for name, c := range map[string]struct {
		row  row
		seen seen
		err  string
	}{
		"held":                  {row{keep: 0.5}, seen{quiet: quiet, attacked: half}, ""},
		"too little kept":       {row{keep: 0.8}, seen{quiet: quiet, attacked: half}, "kept 50 %"},
		"refused":               {row{}, seen{quiet: quiet, attacked: refused}, "1 calls of others failed"},
		"refused in an outage":  {row{outage: true}, seen{quiet: quiet, attacked: refused}, ""},
		"memory within bounds":  {row{check: flat(40)}, grown, ""},
		"memory out of bounds":  {row{check: flat(39)}, grown, "40 MiB more"},
		"transactions, as ever": {row{check: fewTransactions}, seen{quiet: count{answered: 10, transactions: 100, lasting: time.Second}, attacked: count{answered: 10, transactions: 240, lasting: 2 * time.Second}}, ""},
		"transactions, too many": {row{check: fewTransactions},
			seen{quiet: count{answered: 10, transactions: 100, lasting: time.Second}, attacked: count{answered: 10, transactions: 280, lasting: 2 * time.Second}}, "idle streams"},
	} {
		_, err := c.row.judge(t.Context(), nil, &c.seen)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", name, err, c.err)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	printTable(&out, []result{
		{row: row{number: 30, attack: "posts", keep: 0.8}, seen: seen{quiet: count{answered: 200, lasting: time.Second}, attacked: count{answered: 180, lasting: time.Second}}},
		{row: row{number: 31, attack: "bodies"}, note: "3 taken", err: errors.New("slow")},
	})
	for _, line := range []string{"| 30 | posts | 200 → 180 | 90 % | 80 % |  | held |", "| 31 | bodies | 0 → 0 | 0 % | 0 % | 3 taken; slow | MISSED |"} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("no line %q in\n%s", line, out.String())
		}
	}
}

func TestChosen(t *testing.T) {
	t.Parallel()
	for list, n := range map[string]int{"": len(rows), "32": 1, "41,30": 2} {
		if some, err := chosen(list); err != nil || len(some) != n {
			t.Errorf("%q: %d rows, %v", list, len(some), err)
		}
	}
	for _, list := range []string{"1", "x", "30,"} {
		if _, err := chosen(list); err == nil {
			t.Errorf("%q is taken", list)
		}
	}
	if err := run(context.Background(), []string{"-rows", "1"}, &strings.Builder{}, &strings.Builder{}); err == nil {
		t.Error("it begins with a row that is not there")
	}
}
