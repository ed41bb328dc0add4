package pdf

import (
	"bytes"
	"embed"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
)

//go:embed fonts/*.ttf
var files embed.FS

// names are those of the files too.
var names = [fontCount]string{Regular: "NotoSans-Regular", Bold: "NotoSans-Bold", Mono: "NotoSansMono-Regular", arabic: "NotoSansArabic-Regular"}

// fonts are read when the first document needs them: a server that prints none saves
// their memory.
var fonts = sync.OnceValue(func() (all [fontCount]*trueType) {
	for i, name := range names {
		all[i] = mustLoad(name)
	}
	return all
})

// CanShow reports whether Regular has all letters of a text, with those that stand in.
func CanShow(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		_, latin := fonts()[Regular].font.NominalGlyph(r)
		_, other := fonts()[arabic].font.NominalGlyph(r)
		return !latin && !other
	})
}

// trueType is a font as it lies in its file. It is never changed.
type trueType struct {
	name   string
	font   *font.Font
	tables map[string][]byte
}

func mustLoad(name string) *trueType {
	t := &trueType{name: name, tables: map[string][]byte{}}
	file, err := files.ReadFile("fonts/" + name + ".ttf")
	if err != nil {
		panic(err)
	}
	loader, err := opentype.NewLoader(bytes.NewReader(file))
	if err != nil {
		panic(fmt.Sprintf("font %s: %v", name, err))
	}
	for _, table := range keptTables {
		if t.tables[table], err = loader.RawTable(opentype.MustNewTag(table)); err != nil {
			panic(fmt.Sprintf("font %s: table %s: %v", name, table, err))
		}
	}
	if t.font, err = font.NewFont(loader); err != nil || t.font.Upem() != em {
		panic(fmt.Sprintf("font %s: %v, %d units to the em", name, err, t.font.Upem()))
	}
	return t
}

// face is a font in one document. There, a glyph has a code for each text that it
// stands for: so the text is known whatever the script.
type face struct {
	*font.Face
	*trueType
	codes map[letter]uint16
	// letters are in the order of their codes. The first is the box for what a font
	// does not have.
	letters []letter
}

// letter is a glyph that stands for a text.
type letter struct {
	glyph font.GID
	text  string
}

func newFace(f Font) *face {
	return &face{Face: font.NewFace(fonts()[f].font), trueType: fonts()[f], codes: map[letter]uint16{}, letters: []letter{{}}}
}

// code returns the code of a letter. No document gets near the end of the codes but
// by malice, and then it shows boxes.
func (f *face) code(g font.GID, text string) uint16 {
	l := letter{g, text}
	code, found := f.codes[l]
	if !found && len(f.letters) <= math.MaxUint16 {
		code = uint16(len(f.letters))
		f.codes[l] = code
		f.letters = append(f.letters, l)
	}
	return code
}

func (f *face) advance(g font.GID) float64 { return float64(f.HorizontalAdvance(g)) }

// fonts writes the fonts in use, with no more glyphs than are.
func (d *Document) fonts() {
	var all strings.Builder
	for i, f := range d.faces {
		if len(f.codes) > 0 {
			fmt.Fprintf(&all, "/F%d %d 0 R", i, d.font(f))
		}
	}
	d.object(resourcesObject, "<</Font<<%s>>>>", all.String())
}

func (d *Document) font(f *face) int {
	whole, descendant, descriptor, file := d.newObject(), d.newObject(), d.newObject(), d.newObject()
	glyphs, texts := d.newObject(), d.newObject()
	data := f.subset()
	name := tag(data) + "+" + f.name
	d.object(whole, "<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>", name, descendant, texts)
	d.object(descendant, "<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"+
		"/FontDescriptor %d 0 R/CIDToGIDMap %d 0 R/W[0[%s]]>>", name, descriptor, glyphs, f.widths())
	head := f.tables["head"]
	box := make([]string, 4)
	for i := range box {
		box[i] = fmt.Sprint(int16(binary.BigEndian.Uint16(head[36+2*i:])))
	}
	extents, _ := f.FontHExtents()
	d.object(descriptor, "<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[%s]/ItalicAngle 0/Ascent %s/Descent %s/CapHeight %s/StemV 80/FontFile2 %d 0 R>>",
		name, strings.Join(box, " "), number(float64(extents.Ascender)), number(float64(extents.Descender)), number(float64(f.LineMetric(font.CapHeight))), file)
	d.stream(file, fmt.Sprintf("/Length1 %d", len(data)), data)
	d.stream(glyphs, "", f.toGlyphs())
	d.stream(texts, "", f.toUnicode())
	return whole
}

// tag tells subsets of one font apart.
func tag(data []byte) string {
	hash := fnv.New32a()
	_, _ = hash.Write(data)
	var b [6]byte
	for i, rest := 0, hash.Sum32(); i < len(b); i, rest = i+1, rest/26 {
		b[i] = 'A' + byte(rest%26)
	}
	return string(b[:])
}

func (f *face) widths() string {
	var b strings.Builder
	for _, l := range f.letters {
		b.WriteString(number(f.advance(l.glyph)) + " ")
	}
	return b.String()
}

// toGlyphs maps codes to glyphs.
func (f *face) toGlyphs() (table []byte) {
	for _, l := range f.letters {
		table = binary.BigEndian.AppendUint16(table, uint16(l.glyph))
	}
	return table
}

// toUnicode maps codes to what they stand for.
func (f *face) toUnicode() []byte {
	var lines []string
	for code, l := range f.letters {
		if l.text != "" {
			lines = append(lines, fmt.Sprintf("<%04X><%s>\n", code, utf16Hex(l.text)))
		}
	}
	var b bytes.Buffer
	b.WriteString("/CIDInit/ProcSet findresource begin 12 dict begin begincmap\n" +
		"/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def/CMapName/Adobe-Identity-UCS def/CMapType 2 def\n" +
		"1 begincodespacerange<0000><FFFF>endcodespacerange\n")
	for some := range slices.Chunk(lines, 100) { // as many as one block may have
		fmt.Fprintf(&b, "%d beginbfchar\n%sendbfchar\n", len(some), strings.Join(some, ""))
	}
	b.WriteString("endcmap CMapName currentdict/CMap defineresource pop end end\n")
	return b.Bytes()
}
