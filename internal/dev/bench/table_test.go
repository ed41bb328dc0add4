package main

import (
	"bytes"
	"testing"
)

func TestTable(t *testing.T) {
	t.Parallel()
	tab := &table{head: []string{"", "callers", "größe"}}
	tab.add("Send", "1", "1,234")
	tab.add("BatchSend", "256", "")
	var out bytes.Buffer
	tab.print(&out)
	want := `|           | callers | größe |
|-----------|--------:|------:|
| Send      |       1 | 1,234 |
| BatchSend |     256 |       |
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0: "", 0.123: "0.12", 1: "1.00", 9.99: "9.99", 12.34: "12.3", 123.4: "123", 999.4: "999",
		1000: "1,000", 12345.6: "12,346", 1234567: "1,234,567",
	} {
		if got := number(v); got != want {
			t.Errorf("%v is shown as %q, want %q", v, got, want)
		}
	}
}

func TestRatesHaveAllColumns(t *testing.T) {
	t.Parallel()
	tab := rates(measured())
	for _, row := range tab.rows {
		if len(row) != len(tab.head) {
			t.Errorf("%d cells under %d heads: %q", len(row), len(tab.head), row)
		}
	}
}

// measured is a book as a run leaves it.
func measured() *book {
	b := &book{}
	for _, callers := range []int{1, 64, 256} {
		r := b.row("send", "Send", callers)
		for range 3 {
			r.Service = append(r.Service, sample{Rate: 130 * float64(callers), P50: 3, Resident: int64(callers) << 20})
			r.Pgbench = append(r.Pgbench, sample{Rate: 100 * float64(callers), P50: 2})
		}
	}
	b.row("batch", "BatchSend of 500", 1).Service = []sample{{Rate: 9600}}
	b.row("batch", "BatchSend of 500", 4).Service = []sample{{Rate: 19200}}
	b.row(deliveryCase, "Delivery", 0).Service = []sample{{Rate: 1400}}
	return b
}
