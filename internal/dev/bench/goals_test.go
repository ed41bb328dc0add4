package main

import (
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	want := []struct {
		goal     string
		measured float64
		reached  bool
	}{
		{"Send, 64 callers, rate ÷ pgbench's: at least 1.2 ×", 1.3, true},
		{"Send, 256 callers, rate ÷ pgbench's: at least 2 ×", 1.3, false},
		{"BatchSend of 500, in invitations, ÷ pgbench's Send with 64 clients: at least 2.5 ×", 3, true},
		{"Send, 1 caller, p50 ÷ pgbench's: at most 1.6 ×", 1.5, true},
		{"memory of the service with 256 callers: at most 80 MiB", 256, false},
		{"delivery: at least 1500 mails/s", 1400, false},
	}
	got := judge(measured())
	if len(got) != len(want) {
		t.Fatalf("%d goals were judged, want %d: %+v", len(got), len(want), got)
	}
	for i, w := range want {
		if v := got[i]; v.Goal != w.goal || v.Measured != w.measured || v.Reached != w.reached {
			t.Errorf("got %+v, want %+v", v, w)
		}
	}
}

func TestNothingMeasured(t *testing.T) {
	t.Parallel()
	if got := judge(&book{}); len(got) != 0 {
		t.Errorf("nothing was measured, and judged were %+v", got)
	}
}

// TestGoalsNameCases: a goal about a case that is not there would never be
// judged.
func TestGoalsNameCases(t *testing.T) {
	t.Parallel()
	b := &book{}
	for _, c := range cases {
		for _, callers := range c.counts([]int{1, 64, 256}) {
			r := b.row(c.name, c.title, callers)
			r.Service = []sample{{Rate: 1, P50: 1, Resident: 1}}
			r.Pgbench = r.Service
		}
	}
	b.row(deliveryCase, "Delivery", 0).Service = []sample{{Rate: 1}}
	if got, want := len(judge(b)), len(goals()); got != want {
		t.Errorf("of a complete run %d of %d goals are judged", got, want)
	}
}

func TestRow(t *testing.T) {
	t.Parallel()
	b := measured()
	if b.row("send", "Send", 64) != b.find("send", 64) || len(b.rows) != 6 {
		t.Error("a row that is there was made again")
	}
	if b.find("send", 2) != nil || b.rounds() != 3 || (&book{}).rounds() != 0 {
		t.Error("there is a row, or a round, that nobody made")
	}
	if !strings.HasPrefix(b.rows[0].Title, "Send") {
		t.Error("rows lost their order")
	}
}
