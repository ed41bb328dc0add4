package sheet_test

import (
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/sheet"
)

// TestThousandPages: what a document keeps does not grow with its pages, but for the
// places of their objects and the letters of their names.
func TestThousandPages(t *testing.T) {
	const first, last, most = 100, 1000, 1 << 20
	d := sheet.New(io.Discard, invitation.TargetApp, invitation.German)
	add := func(from, to int) {
		for i := from; i < to; i++ {
			must(t, d.Add(sample(func(s *sheet.Sheet) {
				s.Link, s.DisplayName = invitation.NewLink(linkOf(i)), fmt.Sprintf("Erika %c%c Mustermann", 'Ā'+rune(i%300), 'А'+rune(i%60))
			})))
		}
	}
	add(0, first)
	before := live()
	add(first, last)
	if grown := live() - before; grown > most {
		t.Errorf("%d more pages keep %d KiB", last-first, grown>>10)
	}
	must(t, d.Close())
	if d.Pages() != last {
		t.Errorf("there are %d pages", d.Pages())
	}
}

// live is how much memory is in use.
func live() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkPage(b *testing.B) {
	b.ReportAllocs()
	d := sheet.New(io.Discard, invitation.TargetApp, invitation.German)
	s := sample(func(s *sheet.Sheet) { s.Link = invitation.NewLink(linkOf(0)) })
	for b.Loop() {
		must(b, d.Add(s))
	}
}
