package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
)

// TestPlot: the document is well-formed, no bar leaves its panel, and the
// highest is the highest rate's.
func TestPlot(t *testing.T) {
	t.Parallel()
	text := string(plot(measured()))
	decoder := xml.NewDecoder(strings.NewReader(text))
	bars, highest := 0, 0.0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the plot is no XML: %v\n%s", err, text)
		}
		element, ok := token.(xml.StartElement)
		if !ok || element.Name.Local != "rect" || !strings.Contains(text, "<title>") {
			continue
		}
		fill, height := attribute(element, "fill"), number64(t, attribute(element, "height"))
		if (fill != serviceColor && fill != pgbenchColor) || height == 12 { // 12: the legend
			continue
		}
		bars++
		highest = max(highest, height)
		if y := number64(t, attribute(element, "y")); y < barsTop || y+height > barsTop+barsHeight+0.1 {
			t.Errorf("a bar reaches from %v to %v", y, y+height)
		}
	}
	if bars != 6 || highest < barsHeight/2 {
		t.Errorf("%d bars, the highest of %v", bars, highest)
	}
	if strings.Contains(text, "BatchSend") {
		t.Error("what pgbench did not do has a panel")
	}
}

func TestEmptyPlot(t *testing.T) {
	t.Parallel()
	if text := plot(&book{}); xml.Unmarshal(text, new(struct{})) != nil {
		t.Errorf("the plot of nothing is no XML:\n%s", text)
	}
}

func TestNiceStep(t *testing.T) {
	t.Parallel()
	for top, want := range map[float64]float64{0: 1, 1: 0.2, 4: 1, 9: 2, 16000: 5000, 33280: 10000, 95: 20} {
		if got := niceStep(top); got != want {
			t.Errorf("steps up to %v are %v, want %v", top, got, want)
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func number64(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
