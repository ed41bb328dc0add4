package main

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"math"
)

// Lengths of the plot, in pixels.
const (
	panelWidth  = 400
	panelHeight = 230
	plotTop     = 56 // for the title and the legend
	barsLeft    = 56 // inside a panel, for the scale
	barsTop     = 30 // for the panel's title
	barsHeight  = 150
	barsWidth   = panelWidth - barsLeft - 16
	maxBar      = 30
)

// The colours stay apart for readers who can't tell red from green.
const (
	serviceColor = "#2f9e44"
	pgbenchColor = "#8a94a6"
	textColor    = "#1f2933"
	ruleColor    = "#d9dee5"
)

// panel is a case's part of the plot.
type panel struct {
	title string
	bars  []bars
}

// bars stand side by side for one number of callers.
type bars struct {
	callers          int
	service, pgbench float64
}

// panels are those of the cases that pgbench does too.
func panels(b *book) []panel {
	var all []panel
	for _, r := range b.rows {
		if len(r.Pgbench) == 0 {
			continue
		}
		if len(all) == 0 || all[len(all)-1].title != r.Title {
			all = append(all, panel{title: r.Title})
		}
		last := &all[len(all)-1]
		last.bars = append(last.bars, bars{r.Callers, medianOf(r.Service, rate), medianOf(r.Pgbench, rate)})
	}
	return all
}

// plot draws the rates of both sides as an SVG document, two panels in a row.
func plot(b *book) []byte {
	var out bytes.Buffer
	all := panels(b)
	height := plotTop + (len(all)+1)/2*panelHeight
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="%s">`+"\n",
		2*panelWidth, height, textColor)
	fmt.Fprintf(&out, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", 2*panelWidth, height)
	label(&out, 16, 24, "start", `font-size="15" font-weight="bold"`, "Calls per second, by number of callers")
	legend(&out, 16, serviceColor, "the service, over gRPC")
	legend(&out, 200, pgbenchColor, "pgbench, one statement a call")
	for i, p := range all {
		fmt.Fprintf(&out, `<g transform="translate(%d %d)">`+"\n", i%2*panelWidth, plotTop+i/2*panelHeight)
		p.draw(&out)
		fmt.Fprintln(&out, "</g>")
	}
	fmt.Fprintln(&out, "</svg>")
	return out.Bytes()
}

func legend(w io.Writer, x float64, color, text string) {
	rectangle(w, x, 34, 12, 12, color, "")
	label(w, x+18, 44, "start", "", text)
}

func (p panel) draw(w io.Writer) {
	label(w, barsLeft, 18, "start", `font-weight="bold"`, p.title)
	top := 0.0
	for _, b := range p.bars {
		top = max(top, b.service, b.pgbench)
	}
	step := niceStep(top)
	scale := barsHeight / (step * math.Max(math.Ceil(top/step), 1))
	for v := 0.0; v*scale <= barsHeight+0.5; v += step {
		y := barsTop + barsHeight - v*scale
		fmt.Fprintf(w, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="%s"/>`+"\n", barsLeft, y, barsLeft+barsWidth, y, ruleColor)
		label(w, barsLeft-6, y+4, "end", "", scaleLabel(v))
	}
	slot := float64(barsWidth) / float64(len(p.bars))
	width := min(maxBar, slot/3)
	for i, b := range p.bars {
		middle := barsLeft + (float64(i)+0.5)*slot
		rectangle(w, middle-width-1, barsTop+barsHeight-b.service*scale, width, b.service*scale, serviceColor, "service: "+number(b.service))
		rectangle(w, middle+1, barsTop+barsHeight-b.pgbench*scale, width, b.pgbench*scale, pgbenchColor, "pgbench: "+number(b.pgbench))
		label(w, middle, barsTop+barsHeight+16, "middle", "", fmt.Sprint(b.callers))
	}
}

// niceStep is 1, 2 or 5 times a power of ten, so that three to seven of them
// reach the top.
func niceStep(top float64) float64 {
	if top <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(top/3)))
	switch lead := top / 3 / power; {
	case lead >= 5:
		return 5 * power
	case lead >= 2:
		return 2 * power
	default:
		return power
	}
}

func scaleLabel(v float64) string {
	if v == 0 {
		return "0"
	}
	return number(v)
}

func rectangle(w io.Writer, x, y, width, height float64, color, title string) {
	fmt.Fprintf(w, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s">`, x, y, width, height, color)
	if title != "" {
		fmt.Fprintf(w, "<title>%s</title>", html.EscapeString(title))
	}
	fmt.Fprintln(w, "</rect>")
}

func label(w io.Writer, x, y float64, anchor, more, text string) {
	fmt.Fprintf(w, `<text x="%.1f" y="%.1f" text-anchor="%s" %s>%s</text>`+"\n", x, y, anchor, more, html.EscapeString(text))
}
