package pdf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
)

// Font is one of those that a document can be written in. Where a font has no
// Arabic letters, another's stand in.
type Font int

// The fonts.
const (
	Regular Font = iota
	Bold
	// Mono has letters of one width, in which I, l, 1, O and 0 can't be mistaken
	// for one another. It has ASCII only.
	Mono
	arabic
	fontCount
)

// Span is a piece of text in one font.
type Span struct {
	Text string
	Font Font
}

// Line is a line of text, ready to be written on a page of the same document.
type Line struct {
	Width float64
	size  float64
	runs  []run
}

// run is a part of a line in one font and one direction.
type run struct {
	face int
	x    float64 // from the line's beginning
	show string  // the operators that show it
}

// em is how many units all fonts have to the em. Text is shaped in these, so that
// no width is rounded.
const em = 1000

// typesetter makes lines of text.
type typesetter struct {
	faces     [fontCount]*face
	segmenter shaping.Segmenter
	shaper    shaping.HarfbuzzShaper
	wrapper   shaping.LineWrapper
}

func newTypesetter() typesetter {
	var t typesetter
	for f := range fontCount {
		t.faces[f] = newFace(f)
	}
	return t
}

// Lines breaks a paragraph into lines of at most that width, between words where
// there is room for them. It begins on the left; what is written from right to left
// has its place in the line as Unicode says. No text has no line.
func (d *Document) Lines(lang string, size, width float64, spans ...Span) (lines []Line) {
	var text []rune
	var shaped []shaping.Output
	for _, s := range spans {
		text = append(text, []rune(s.Text)...)
	}
	if len(text) == 0 {
		return nil
	}
	start := 0
	for _, s := range spans {
		end := start + len([]rune(s.Text))
		if end == start {
			continue // the library has nothing to split
		}
		whole := shaping.Input{
			Text: text, RunStart: start, RunEnd: end, Direction: di.DirectionLTR,
			Size: fixed.I(em), Language: language.NewLanguage(lang),
		}
		for _, part := range d.segmenter.Split(whole, choice{&d.typesetter, s.Font}) {
			shaped = append(shaped, d.shaper.Shape(part))
		}
		start = end
	}
	config := shaping.WrapConfig{Direction: di.DirectionLTR}
	wrapped, _ := d.wrapper.WrapParagraphF(config, fixed.Int26_6(width/size*em*64), text, shaping.NewSliceIterator(shaped))
	for _, w := range wrapped {
		lines = append(lines, d.line(text, size, w))
	}
	return lines
}

// choice finds the face for each letter of a span.
type choice struct {
	*typesetter
	font Font
}

// ResolveFace implements shaping.Fontmap.
func (c choice) ResolveFace(r rune) *font.Face {
	for _, f := range []Font{c.font, Regular, arabic} {
		if _, found := c.faces[f].NominalGlyph(r); found {
			return c.faces[f].Face
		}
	}
	return c.faces[c.font].Face
}

// line makes operators of glyphs, from left to right.
func (t *typesetter) line(text []rune, size float64, outputs shaping.Line) Line {
	l := Line{size: size}
	outputs = slices.Clone(outputs)
	slices.SortFunc(outputs, func(a, b shaping.Output) int { return int(a.VisualIndex - b.VisualIndex) })
	for _, o := range outputs {
		i := slices.IndexFunc(t.faces[:], func(f *face) bool { return f.Face == o.Face })
		l.runs = append(l.runs, run{face: i, x: l.Width, show: t.faces[i].show(o, text, size)})
		l.Width += units(o.Advance) / em * size
	}
	return l
}

// show writes glyphs, and moves where the next one stands elsewhere than the widths
// of the font say.
func (f *face) show(o shaping.Output, text []rune, size float64) string {
	var b strings.Builder
	b.WriteString("[")
	move := 0.0 // to the right, still to be written
	for i, g := range o.Glyphs {
		move += units(g.XOffset)
		if move != 0 {
			b.WriteString(number(-move))
		}
		code := f.code(g.GlyphID, standsFor(o, i, text))
		if rise := units(g.YOffset); rise != 0 {
			fmt.Fprintf(&b, "]TJ %s Ts[<%04X>]TJ 0 Ts[", number(rise/em*size), code)
		} else {
			fmt.Fprintf(&b, "<%04X>", code)
		}
		move = units(g.Advance) - f.advance(g.GlyphID) - units(g.XOffset)
	}
	b.WriteString("]TJ")
	return b.String()
}

func units(v fixed.Int26_6) float64 { return float64(v) / 64 }

// standsFor is the text of a glyph, so that it can be searched for and copied. Where
// several stand for several letters together, it is the first one's.
func standsFor(o shaping.Output, i int, text []rune) string {
	g := o.Glyphs[i]
	letters := text[g.TextIndex() : g.TextIndex()+g.RunesCount()]
	first := i
	for first > 0 && o.Glyphs[first-1].TextIndex() == g.TextIndex() {
		first--
	}
	n := i - first
	if o.Direction == di.DirectionRTL {
		n = g.GlyphsCount() - 1 - n
	}
	switch {
	case g.GlyphsCount() == len(letters):
		return string(letters[n])
	case n == 0:
		return string(letters)
	}
	return ""
}
