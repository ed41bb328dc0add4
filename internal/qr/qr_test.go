package qr

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/qrtest"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	good := textOf(typical)
	for name, tt := range map[string]struct {
		text string
		opts Options
		want error
	}{
		"empty":         {"", Options{}, ErrText},
		"blank":         {good[:40] + " " + good[40:60], Options{}, ErrText},
		"not ASCII":     {"ÄÖÜ", Options{}, ErrText},
		"NUL":           {"A\x00", Options{}, ErrText},
		"too long":      {textOf(MaxText) + "A", Options{}, ErrTextTooLong},
		"far too long":  {strings.Repeat("A", 1<<20), Options{}, ErrTextTooLong},
		"size 1":        {good, Options{Size: 1}, ErrSize},
		"size below":    {good, Options{Size: MinSize - 1}, ErrSize},
		"size above":    {good, Options{Size: MaxSize + 1}, ErrSize},
		"size negative": {good, Options{Size: -DefaultSize}, ErrSize},
		"mark below":    {good, Options{Mark: MarkKiwi - 1}, ErrMark},
		"mark above":    {good, Options{Mark: MarkNone + 1}, ErrMark},
	} {
		for _, draw := range []func(string, Options) ([]byte, error){PNG, SVG} {
			got, err := draw(tt.text, tt.opts)
			if !errors.Is(err, tt.want) || got != nil {
				t.Errorf("%s: %d bytes, error %v, want %v", name, len(got), err, tt.want)
			}
			if err != nil && tt.text != "" && strings.Contains(err.Error(), tt.text) {
				t.Errorf("%s: the error gives the text away", name)
			}
		}
	}
}

// TestEveryCharacter draws what is allowed, also texts of digits alone, for which
// the library has another mode.
func TestEveryCharacter(t *testing.T) {
	t.Parallel()
	var printable strings.Builder
	for r := '!'; r <= '~'; r++ {
		printable.WriteRune(r)
	}
	for _, text := range []string{printable.String()[:MaxText], printable.String()[MaxText:], "0123456789", "ABC", strings.Repeat(":", MaxText)} {
		file, err := PNG(text, Options{})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := qrtest.ZXing(decodePNG(t, file)); got != text {
			t.Errorf("%q reads as %q: %v", text, got, err)
		}
	}
}

func TestLengthDecidesVersion(t *testing.T) {
	t.Parallel()
	for length := 1; length <= MaxText; length++ {
		symbol, err := encode(textOf(length))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := symbol.Dimension(), 17+4*versionOf(length); got != want {
			t.Errorf("%d characters: %d modules, want %d", length, got, want)
		}
	}
}

// TestMarkWidth holds the mark within 18 % and clear of the alignment pattern,
// which reaches from n-9 to n-5.
func TestMarkWidth(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{21: 3, 25: 3, 29: 5, 33: 5, 37: 5, 41: 7} {
		got := markWidth(n)
		if got != want || got*100 > n*18 || got%2 == 0 || (n+got)/2 > n-9 {
			t.Errorf("%d modules: mark of %d, want %d", n, got, want)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			text := fmt.Sprint(textOf(typical-5), 10000+i)
			file, err := PNG(text, Options{Size: 150 + i, Mark: Mark(i % 2)})
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := qrtest.ZXing(decodePNG(t, file)); got != text {
				t.Errorf("reads as %q (%v), want %q", got, err, text)
			}
			if svg, err := SVG(text, Options{}); err != nil || len(svg) == 0 {
				t.Errorf("SVG of %d bytes: %v", len(svg), err)
			}
		})
	}
	wg.Wait()
}

// TestSVGDoesNotAllocate is not parallel, as AllocsPerRun demands. What SVG
// allocates beside the library's symbol is the slice that it returns.
func TestSVGDoesNotAllocate(t *testing.T) {
	symbol, err := encode(textOf(typical))
	if err != nil {
		t.Fatal(err)
	}
	w := &svgWriter{canvas: canvas{opts: Options{Size: MaxSize}}}
	allocs := testing.AllocsPerRun(5, func() {
		if err := symbol.Save(w); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
