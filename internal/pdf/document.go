package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"strings"
)

// The objects that all pages share. They are written last, under numbers that the
// pages know beforehand.
const (
	catalogObject = 1 + iota
	pagesObject
	resourcesObject
	structureObject
	documentObject
	infoObject
	firstFree
)

// Document writes one PDF. It is for one goroutine.
type Document struct {
	out     io.Writer
	written int64
	err     error // the first that out had
	// offsets are where objects begin, by their numbers; 0 for none yet.
	offsets []int64
	title   string
	lang    string
	pages   []pageObjects
	typesetter
	deflate *zlib.Writer
	packed  bytes.Buffer
}

// pageObjects are the numbers of a page's objects that the document refers to.
type pageObjects struct{ page, section, parents int }

// New returns a document with that title, and that language (a BCP 47 tag) but for
// what says otherwise. It writes to out from the first page on, and nothing at all
// if there is none.
func New(out io.Writer, title, lang string) *Document {
	return &Document{
		out: out, title: title, lang: lang, offsets: make([]int64, firstFree),
		typesetter: newTypesetter(), deflate: zlib.NewWriter(io.Discard),
	}
}

// Pages tells how many pages were added.
func (d *Document) Pages() int { return len(d.pages) }

// Add writes a page, which must have no open element. The page is of no use
// afterwards.
func (d *Document) Add(p *Page) error {
	if len(d.pages) == 0 {
		// The second line has bytes that no text has, for programs that guess.
		d.text("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	}
	objects := pageObjects{page: d.newObject(), parents: d.newObject()}
	content := d.newObject()
	d.stream(content, "", p.content.Bytes())
	d.object(objects.page, "<</Type/Page/Parent %d 0 R/MediaBox[0 0 %s %s]/Resources %d 0 R/Contents %d 0 R/Tabs/S/StructParents %d>>",
		pagesObject, number(Width), number(Height), resourcesObject, content, len(d.pages))
	objects.section = d.structure(p, objects)
	d.pages = append(d.pages, objects)
	return d.err
}

// Close writes what all pages share: fonts, the list of pages, and the table of
// where each object is. It does not close out.
func (d *Document) Close() error {
	if len(d.pages) == 0 {
		return d.err
	}
	d.fonts()
	var pages, sections, parents strings.Builder
	for i, p := range d.pages {
		fmt.Fprintf(&pages, "%d 0 R ", p.page)
		fmt.Fprintf(&sections, "%d 0 R ", p.section)
		fmt.Fprintf(&parents, "%d %d 0 R ", i, p.parents)
	}
	d.object(pagesObject, "<</Type/Pages/Count %d/Kids[%s]>>", len(d.pages), pages.String())
	d.object(documentObject, "<</Type/StructElem/S/Document/P %d 0 R/K[%s]>>", structureObject, sections.String())
	d.object(structureObject, "<</Type/StructTreeRoot/K %d 0 R/ParentTree<</Nums[%s]>>/ParentTreeNextKey %d>>",
		documentObject, parents.String(), len(d.pages))
	d.object(infoObject, "<</Title%s>>", utf16String(d.title))
	d.object(catalogObject, "<</Type/Catalog/Pages %d 0 R/Lang(%s)/MarkInfo<</Marked true>>/StructTreeRoot %d 0 R/ViewerPreferences<</DisplayDocTitle true/PrintScaling/None>>>>",
		pagesObject, d.lang, structureObject)
	d.table()
	return d.err
}

// table writes where each object begins.
func (d *Document) table() {
	start := d.written
	d.text(fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(d.offsets)))
	for _, offset := range d.offsets[1:] {
		d.text(fmt.Sprintf("%010d 00000 n \n", offset))
	}
	d.text(fmt.Sprintf("trailer\n<</Size %d/Root %d 0 R/Info %d 0 R>>\nstartxref\n%d\n%%%%EOF\n",
		len(d.offsets), catalogObject, infoObject, start))
}

// newObject returns the number of an object that is yet to be written.
func (d *Document) newObject() int {
	d.offsets = append(d.offsets, 0)
	return len(d.offsets) - 1
}

func (d *Document) object(n int, format string, args ...any) {
	d.offsets[n] = d.written
	d.text(fmt.Sprintf("%d 0 obj\n", n) + fmt.Sprintf(format, args...) + "\nendobj\n")
}

// stream writes an object of bytes, and its dictionary's other entries.
func (d *Document) stream(n int, entries string, data []byte) {
	d.packed.Reset()
	d.deflate.Reset(&d.packed)
	_, _ = d.deflate.Write(data) // to memory
	_ = d.deflate.Close()
	d.offsets[n] = d.written
	d.text(fmt.Sprintf("%d 0 obj\n<</Length %d/Filter/FlateDecode%s>>stream\n", n, d.packed.Len(), entries))
	d.write(d.packed.Bytes())
	d.text("\nendstream\nendobj\n")
}

func (d *Document) text(s string) { d.write([]byte(s)) }

func (d *Document) write(b []byte) {
	if d.err != nil {
		return
	}
	n, err := d.out.Write(b)
	d.written += int64(n)
	d.err = err
}
