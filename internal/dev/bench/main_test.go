package main

import (
	"io"
	"slices"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-callers", "1,64", "-cases", "send,delivery", "-duration", "5s"}, io.Discard)
	if err != nil || !slices.Equal(o.callers, []int{1, 64}) || !slices.Equal(o.cases, []string{"send", "delivery"}) || o.duration != 5*time.Second {
		t.Errorf("got %+v, %v", o, err)
	}
	if o, err := parse(nil, io.Discard); err != nil || !slices.Equal(o.cases, caseNames()) {
		t.Errorf("without arguments: %+v, %v", o, err)
	}
	for _, wrong := range [][]string{
		{"-callers", "0"}, {"-callers", "1,,2"}, {"-callers", "1000"}, {"-cases", "sending"}, {"-duration", "500ms"},
		{"-duration", "1500ms"}, {"-users", "10"}, {"-rounds", "0"}, {"more"}, {"-no-such-flag"},
	} {
		if o, err := parse(wrong, io.Discard); err == nil {
			t.Errorf("%q was taken as %+v", wrong, o)
		}
	}
}

// TestExpected: what was measured before decides, with a reserve.
func TestExpected(t *testing.T) {
	t.Parallel()
	one, five := benchCase{units: 1}, benchCase{units: 500}
	for _, c := range []struct {
		of      benchCase
		earlier []sample
		callers int
		want    int
	}{
		{one, nil, 1, 2*4000 + 1},
		{one, nil, 64, 2*12000 + 64},
		{one, []sample{{Rate: 10_000}}, 64, 2*15000 + 64},
		{one, []sample{{Rate: 10}}, 64, 2*1000 + 64},
		{five, nil, 4, 2*12000/500 + 4},
	} {
		if got := expected(c.of, c.earlier, c.callers, 2*time.Second); got != c.want {
			t.Errorf("%d callers may make %d calls, want %d", c.callers, got, c.want)
		}
	}
}
