// Package pdf writes PDF documents page by page: each page is written as soon as it
// is drawn, and what all pages share, the fonts above all, comes last. So a
// document of a thousand pages takes no more memory than one of a few, and who
// reads it while it grows has one file in the end.
//
// Text is shaped by go-text, a HarfBuzz in Go, and so letters join and marks stand
// where a script wants them. The package carries its fonts (fonts/), which have
// Latin, Greek, Cyrillic and Arabic letters; a document holds only those glyphs that
// it uses. Every text can be selected, searched for and read out: elements say what
// is a heading, a paragraph or a list.
//
// Nothing in a document tells when or where it was made. The same pages are the
// same bytes.
package pdf
