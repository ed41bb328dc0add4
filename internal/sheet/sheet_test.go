package sheet_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/qrtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/sheet"
)

var must = harness.Must

// linkOf is a link as long as links get, with what hands mistake for one another.
func linkOf(i int) string {
	return fmt.Sprintf("https://einladung.example/i/0aZ1bY2cX3dW4eV5fU6gT7hS8iR9jQ0kP1lO2mN3nM%04d", i)
}

func sample(change func(*sheet.Sheet)) sheet.Sheet {
	s := sheet.Sheet{
		Target: invitation.TargetApp, Language: invitation.German, DisplayName: "Erika Mustermann",
		Organization: invitation.Organization{
			Name:    "Müller & Söhne Hausverwaltung GmbH",
			Contact: "Telefon 030 1234567, service@mueller-soehne.example",
			Imprint: []string{"Ahornallee 1, 10115 Berlin", "Amtsgericht Charlottenburg, HRB 12345 B", "Geschäftsführerin: Petra Kühn"},
		},
		ExpiresAt: time.Date(2026, time.December, 9, 13, 5, 0, 0, time.UTC),
		Address:   []string{"Frau", "Erika Mustermann", "Wohnung 12, Hinterhaus", "Ahornallee 7", "10115 Berlin"},
	}
	change(&s)
	return s
}

// samples are pages as different as they get.
func samples() []sheet.Sheet {
	name := func(name string) sheet.Sheet { return sample(func(s *sheet.Sheet) { s.DisplayName = name }) }
	all := []sheet.Sheet{
		sample(func(*sheet.Sheet) {}),
		sample(func(s *sheet.Sheet) { s.Language, s.Address = "en-GB", nil }),
		sample(func(s *sheet.Sheet) { s.Target, s.Language = invitation.TargetPortal, invitation.English }),
		sample(func(s *sheet.Sheet) { s.Organization, s.Address = invitation.Organization{}, nil }),
		name("نرگس می\u200cخواهد"), name("محمد علي الأحمد"), name("Γιώργος Παπαδόπουλος"), name("Юлия Щербакова-Їжакевич"),
		name("Nguyễn Thị Hương Łukasz Đorđe Şükrü Ğ Ő Ș Ț ẞ Þórður"), name("Z\u030c\u0323e\u0301 Vi\u1ec7t"),
		sample(func(s *sheet.Sheet) {
			s.DisplayName, s.Organization.Name = "فاطمه Müller-رضایی", "شرکت مسکن Berlin"
		}),
		longest("W"), longest("Hausverwaltungsgesellschaft "), longest("م"),
	}
	for i := range all {
		all[i].Link = invitation.NewLink(linkOf(i))
	}
	return all
}

// longest has as much in every field as the API lets through.
func longest(text string) sheet.Sheet {
	fill := func(runes int) string {
		return strings.TrimSpace(string([]rune(strings.Repeat(text, runes))[:runes]))
	}
	return sample(func(s *sheet.Sheet) {
		s.DisplayName, s.Organization.Name, s.Organization.Contact = fill(200), fill(200), fill(200)
		s.Address, s.Organization.Imprint = nil, nil
		for range sheet.MaxAddressLines {
			s.Address = append(s.Address, fill(60))
		}
		for range 10 {
			s.Organization.Imprint = append(s.Organization.Imprint, fill(200))
		}
	})
}

// document has a page for each sheet.
func document(t testing.TB, sheets ...sheet.Sheet) []byte {
	t.Helper()
	var out bytes.Buffer
	d := sheet.New(&out, invitation.TargetApp, invitation.German)
	for _, s := range sheets {
		must(t, d.Add(s))
	}
	must(t, d.Close())
	return out.Bytes()
}

// file writes a document where programs find it, and go test -artifacts leaves it.
func file(t testing.TB, document []byte) string {
	t.Helper()
	path := filepath.Join(t.ArtifactDir(), "sheets.pdf")
	must(t, os.WriteFile(path, document, 0o600))
	return path
}

// run returns what a program of poppler prints. One that complains has failed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), qrtest.Tool(t, name, "poppler-utils"), args...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("%s: %v: %s", name, err, complaints.String())
	}
	return string(out)
}

// textOf is the text of a page on one line, without marks of direction.
func textOf(t *testing.T, path string, page int, more ...string) string {
	t.Helper()
	n := fmt.Sprint(page)
	text := run(t, "pdftotext", append(append([]string{"-f", n, "-l", n}, more...), path, "-")...)
	text = strings.Map(func(r rune) rune {
		if r != '\u200c' && unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// TestText: what is on a page can be selected, searched for and copied.
func TestText(t *testing.T) {
	t.Parallel()
	path := file(t, document(t, samples()...))
	says := [][]string{
		0: {
			"Ihre Einladung zur KIWI App", "Guten Tag Erika Mustermann,", "Müller & Söhne Hausverwaltung GmbH lädt Sie zur KIWI App ein.", "richten Sie die Kamera auf den QR-Code",
			"Gültig bis 9. Dezember 2026, 14:05 Uhr", "genau einmal", "Kontakt: Telefon 030 1234567, service@mueller-soehne.example",
			"Ahornallee 1, 10115 Berlin · Amtsgericht Charlottenburg, HRB 12345 B · Geschäftsführerin: Petra Kühn", "Wohnung 12, Hinterhaus Ahornallee 7 10115 Berlin",
		},
		1:  {"Your invitation to the KIWI App", "Hello Erika Mustermann,", "Valid until 9 December 2026, 14:05 (CET)", "point its camera at the QR code"},
		2:  {"Your invitation to the KIWI Portal", "administer users", "the browser of your computer"},
		3:  {"Ihre Hausverwaltung lädt Sie zur KIWI App ein.", "Bei Fragen wenden Sie sich bitte an Ihre Hausverwaltung."},
		4:  {"نرگس می\u200cخواهد"},
		5:  {"محمد علي الأحمد"},
		6:  {"Γιώργος Παπαδόπουλος"},
		7:  {"Юлия Щербакова-Їжакевич"},
		8:  {"Nguyễn Thị Hương Łukasz Đorđe Şükrü Ğ Ő Ș Ț ẞ Þórður"},
		13: {},
	}
	for i := range samples() {
		text := textOf(t, path, i+1)
		for _, want := range append(says[i], linkOf(i)) {
			if !strings.Contains(text, want) {
				t.Errorf("page %d lacks %q: %s", i+1, want, text)
			}
		}
	}
}

// TestDocument: it has a title and a language and says what is what, all fonts are
// inside, and nothing tells about anybody.
func TestDocument(t *testing.T) {
	t.Parallel()
	written := document(t, samples()...)
	path := file(t, written)
	info := run(t, "pdfinfo", path)
	for _, want := range []string{"Einladung zur KIWI App", "Tagged:yes", fmt.Sprint("Pages:", len(samples())), "(A4)", "JavaScript:no", "MetadataStream:no"} {
		if !strings.Contains(strings.ReplaceAll(info, " ", ""), strings.ReplaceAll(want, " ", "")) {
			t.Errorf("pdfinfo does not say %q: %s", want, info)
		}
	}
	for _, never := range []string{"Author", "CreationDate", "Producer", "Creator:", "ModDate", "Subject", "Keywords"} {
		if strings.Contains(info, never) {
			t.Errorf("pdfinfo says %q", never)
		}
	}
	for _, never := range []string{"/URI", "/Annots", "Mustermann", "einladung.example"} {
		if bytes.Contains(written, []byte(never)) {
			t.Errorf("the document has %q", never)
		}
	}
	for _, want := range []string{"/Lang(de)", "/Lang(en)", "/DisplayDocTitle true"} {
		if !bytes.Contains(written, []byte(want)) {
			t.Errorf("the document lacks %q", want)
		}
	}
	fonts := strings.Split(strings.TrimSpace(run(t, "pdffonts", path)), "\n")[2:]
	if len(fonts) != 4 {
		t.Errorf("fonts are %v", fonts)
	}
	for _, font := range fonts {
		if !strings.Contains(font, "yes yes yes") { // embedded, a subset, with its text
			t.Errorf("not inside, or without text: %s", font)
		}
	}
	if !bytes.Equal(written, document(t, samples()...)) {
		t.Error("the same sheets are other bytes")
	}
}

// TestStructure: those who have a page read out to them hear what is a heading, a
// step and a picture, in the order of reading.
func TestStructure(t *testing.T) {
	t.Parallel()
	tree := run(t, "pdfinfo", "-struct-text", file(t, document(t, sample(func(s *sheet.Sheet) { s.Link = invitation.NewLink(linkOf(0)) }))))
	tree = strings.Join(strings.Fields(tree), " ")
	at := 0
	for _, want := range []string{
		"Document", "Sect", `"Müller & Söhne Hausverwaltung GmbH"`, `"10115 Berlin"`, `H1 (block)`, `"Ihre Einladung zur KIWI App"`, `"Guten Tag Erika Mustermann,"`,
		`H2 (block)`, `"So aktivieren Sie Ihr Konto"`, "L (block)", "LI (block)", `Lbl (block) "1"`, "LBody (block)", `"Nehmen Sie`, `Lbl (block) "3"`, `"Gültig bis 9. Dezember 2026, 14:05 Uhr"`, "Figure", linkOf(0), `"Kontakt:`,
	} {
		next := strings.Index(tree[at:], want)
		if next < 0 {
			t.Fatalf("%q is missing, or too early, in: %s", want, tree)
		}
		at += next
	}
}

// TestWindow: the window of an envelope shows the sender, the address and nothing
// else, and no other place shows the address.
func TestWindow(t *testing.T) {
	t.Parallel()
	path := file(t, document(t, sample(func(s *sheet.Sheet) {
		s.Link, s.DisplayName = invitation.NewLink(linkOf(0)), "E. M."
		s.Address = []string{"Frau", "Erika Mustermann", "c/o Schulze", "Hinterhaus", "Ahornallee 7", "10115 Berlin"}
	})))
	// In points, at 72 to the inch: 85 mm by 45 mm, 20 mm from the left and 45 from the top.
	window := textOf(t, path, 1, "-r", "720", "-x", "567", "-y", "1276", "-W", "2409", "-H", "1276")
	if want := "Müller & Söhne Hausverwaltung GmbH Frau Erika Mustermann c/o Schulze Hinterhaus Ahornallee 7 10115 Berlin"; window != want {
		t.Errorf("the window shows %q, want %q", window, want)
	}
	if whole := textOf(t, path, 1); strings.Count(whole, "Erika Mustermann") != 1 {
		t.Errorf("the address is elsewhere too: %s", whole)
	}
}

// TestUnprintable: nobody is greeted with boxes.
func TestUnprintable(t *testing.T) {
	t.Parallel()
	if sheet.CanPrint("田中 太郎") || !sheet.CanPrint("Müller نرگس Юлия Γιώργος") {
		t.Error("CanPrint is wrong")
	}
	path := file(t, document(t, sample(func(s *sheet.Sheet) {
		s.Link, s.DisplayName, s.Organization.Contact, s.Organization.Imprint = invitation.NewLink(linkOf(0)), "田中 太郎", "東京", []string{"東京", ""}
	})))
	if text := textOf(t, path, 1); !strings.Contains(text, "Guten Tag, Müller") {
		t.Errorf("the greeting is: %s", text)
	}
}

// TestNothing: without a page there is no document, and what is no link has no page.
func TestNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := sheet.New(&out, invitation.TargetApp, invitation.German)
	if err := d.Add(sample(func(*sheet.Sheet) {})); err == nil {
		t.Error("a sheet without a link was drawn")
	}
	must(t, d.Close())
	if out.Len() > 0 || d.Pages() > 0 {
		t.Errorf("there are %d bytes, %d pages", out.Len(), d.Pages())
	}
}
