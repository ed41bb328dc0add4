package pdf

import (
	"encoding/binary"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
)

// keptTables are what a font of outlines without hints consists of, inside a PDF.
var keptTables = []string{"glyf", "head", "hhea", "hmtx", "loca", "maxp"}

// subset is the font with the outlines of those glyphs only that are in use. They
// keep their numbers: what is left out has no outline, and packs to next to nothing.
func (f *face) subset() []byte {
	keep := map[font.GID]bool{}
	for _, l := range f.letters {
		f.withParts(l.glyph, keep)
	}
	var outlines []byte
	n := int(binary.BigEndian.Uint16(f.tables["maxp"][4:]))
	places := make([]byte, 0, 4*(n+1))
	for g := range n {
		places = binary.BigEndian.AppendUint32(places, uint32(len(outlines)))
		if keep[font.GID(g)] {
			outlines = append(outlines, f.outline(font.GID(g))...)
			outlines = append(outlines, make([]byte, -len(outlines)&3)...)
		}
	}
	places = binary.BigEndian.AppendUint32(places, uint32(len(outlines)))
	var tables []opentype.Table
	for _, name := range keptTables {
		content := f.tables[name]
		switch name {
		case "glyf":
			content = outlines
		case "loca":
			content = places
		case "head":
			content = append([]byte(nil), content...)
			binary.BigEndian.PutUint16(content[50:], 1) // places have four bytes
		}
		tables = append(tables, opentype.Table{Tag: opentype.MustNewTag(name), Content: content})
	}
	return opentype.WriteTTF(tables)
}

// outline is a glyph's entry in the table of outlines; empty for a blank.
func (t *trueType) outline(g font.GID) []byte {
	places, at := t.tables["loca"], int(g)
	if binary.BigEndian.Uint16(t.tables["head"][50:]) == 0 {
		from, to := binary.BigEndian.Uint16(places[2*at:]), binary.BigEndian.Uint16(places[2*at+2:])
		return t.tables["glyf"][2*int(from) : 2*int(to)]
	}
	from, to := binary.BigEndian.Uint32(places[4*at:]), binary.BigEndian.Uint32(places[4*at+4:])
	return t.tables["glyf"][from:to]
}

// The flags of a part of a composite glyph.
const (
	wordArguments = 1 << 0
	oneScale      = 1 << 3
	moreParts     = 1 << 5
	twoScales     = 1 << 6
	fourScales    = 1 << 7
)

// withParts notes a glyph, and those that it is composed of.
func (f *face) withParts(g font.GID, keep map[font.GID]bool) {
	if keep[g] {
		return
	}
	keep[g] = true
	outline := f.outline(g)
	if len(outline) == 0 || int16(binary.BigEndian.Uint16(outline)) >= 0 {
		return
	}
	for at, flags := 10, uint16(moreParts); flags&moreParts != 0; {
		flags = binary.BigEndian.Uint16(outline[at:])
		f.withParts(font.GID(binary.BigEndian.Uint16(outline[at+2:])), keep)
		at += 6
		if flags&wordArguments != 0 {
			at += 2
		}
		switch {
		case flags&oneScale != 0:
			at += 2
		case flags&twoScales != 0:
			at += 4
		case flags&fourScales != 0:
			at += 8
		}
	}
}
