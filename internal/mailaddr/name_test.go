package mailaddr_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/mailaddr"
)

// names are such as a German property manager has in the portal, typed with
// and without the blanks that belong there.
var names = []string{
	"Dr. Anna-Lena Müller-Lüdenscheidt", "Prof. Dr. Dr. h.c. Max Weiß", "Dr.Müller", "Dr.Schmidt", "Dr.med. Anna Meyer",
	"Dr.rer.nat. Ötzi Groß", "Prof.Dr.-Ing. Lange", "Dipl.-Ing. Klaus Krüger", "Dipl.Ing. Krüger", "Dipl.-Kfm. (FH) Jan Voß",
	"Anna Meyer, M.Sc.", "LL.M. Petra Kühn", "Ph.D. Li Wei", "H.Meyer", "H.Schmidt", "A. v. Bülow", "v.d.Heyden", "J.R.R. Tolkien",
	"O'Connor", "Seán Ó Súilleabháin", "d’Artagnan", "Jean-François Lefèvre", "Nguyễn Thị Minh", "Łukasz Żółć", "Đorđe Šarić",
	"İbrahim Yıldız", "Иван Петров", "Γιώργος Παπαδόπουλος", "محمد علي", "דוד כהן", "שָׁלוֹם", "李小龍", "山田 太郎", "สมชาย ใจดี", "Z\u0333\u0333\u0333algo", "김철수", "محمد رضا\u200cزاده", "ක්\u200dරිස්ටි",
	"Müller & Söhne GmbH", "Müller GmbH & Co. KG", "Müller GmbH & Co.KG", "Meyer u. Co.", "GmbH.Co.KG Meyer", "Hausbau GmbH i.L.",
	"Hausbau GmbH i.Gr.", "Hausverwaltung St. Pauli e.V.", "St.Pauli Immobilien", "St.Georg Verwaltungs-GmbH", "Baugenossenschaft e.G.",
	"Wohnbau Freiburg i.Br.", "Frankfurt a.M. Haus- und Grund", "A.B. Immobilien", "A.B.C. Verwaltung", "1A Immobilien", "24/7 Hausmeister",
	"WEG Hauptstr. 12/14", "WEG Hauptstr.12/14", "WEG Str. des 17. Juni 100-102", "WEG Hs.Nr.5", "Whg.Nr. 3", "WEG Am Markt 1/2, 3+4",
	"Meyer (Whg. 3.OG)", "Meyer (1.UG links)", "Meyer Whg.EG", "Mieter 3. OG re.", "Fam. Schulz / Krause", "c/o Meyer", "z.Hd. Frau Meyer",
	"Meyer & Partner mbB", "Haus & Grund „Süd“ gGmbH", "R+V Immobilien", "KÖWOGE*Berlin", "Wohnen #1", "Nord–Süd Verwaltung", "Müller: Verwaltung",
	"GmbH & Co. KGaA", "Bau AG", "Frau B.", "Stadtwerke Kiel – Netz", "Erben v. Karl Otto", "1234 5678", "X",
	"Schmidt.", "Meyer...", "Meyer (z.Zt. verreist)", "Mieter ab 01.04.2026", "Haus 3.1.2", "Whg. 3½ ª",
}

// links are names that a mail program would make a link of.
var links = []string{
	"Wohnen.de GmbH", "immo.berlin Verwaltungs GmbH", "@home Immobilien", "Zi.Nr.12", "hr.support?x=1", "med.ru", "t.co", "dr.рф", "hr.zip",
	"http://evil.example", "mailto:eve", "eve@evil.example", "www.evil", "evil.com/login", "192.0.2.1", "tel:0900 123456",
}

// hostile maps what must not get into a mail to the reason.
var hostile = []struct {
	in   string
	want error
}{
	{"<script>alert(1)</script>", mailaddr.ErrCharacter}, {`"><img src=x>`, mailaddr.ErrCharacter}, {`\\host\share`, mailaddr.ErrCharacter},
	{"private \ue000 use", mailaddr.ErrCharacter}, {"unassigned \U000e0fff", mailaddr.ErrInvisible},
	{"", mailaddr.ErrEmpty}, {" \t\u00a0 ", mailaddr.ErrEmpty}, {"...", mailaddr.ErrNoLetter}, {"🔑", mailaddr.ErrNoLetter},
	{"Meyer\nBcc: eve", mailaddr.ErrControl}, {"Meyer\r", mailaddr.ErrControl}, {"Mey\x00er", mailaddr.ErrControl}, {"Mey\ter", mailaddr.ErrControl},
	{"Mey\x1ber", mailaddr.ErrControl}, {"Mey\u0085er", mailaddr.ErrControl}, {"Mey\u2028er", mailaddr.ErrControl}, {"Mey\u2029er", mailaddr.ErrControl},
	{"\u202eMeyer", mailaddr.ErrInvisible}, {"Mey\u2066er\u2069", mailaddr.ErrInvisible}, {"Mey\u200ber", mailaddr.ErrInvisible},
	{"Mey\u200der", mailaddr.ErrInvisible}, {"Mey\u200cer", mailaddr.ErrInvisible}, {"\u200cعلی", mailaddr.ErrInvisible}, {"علی\u200c", mailaddr.ErrInvisible},
	{"رضا\u200c\u200cزاده", mailaddr.ErrInvisible}, {"رضا\u200cx", mailaddr.ErrInvisible}, {"x\u200cرضا", mailaddr.ErrInvisible}, {"Mey\u200fer", mailaddr.ErrInvisible}, {"Mey\u00ader", mailaddr.ErrInvisible}, {"\ufeffMeyer", mailaddr.ErrInvisible},
	{"Mey\u3164er", mailaddr.ErrInvisible}, {"Mey\u115fer", mailaddr.ErrInvisible}, {"Mey\u034fer", mailaddr.ErrInvisible}, {"Mey\u2800er", mailaddr.ErrInvisible},
	{"Mey\U000e0041er", mailaddr.ErrInvisible}, {"Meyer\ufe0f", mailaddr.ErrInvisible},
	{"Z" + strings.Repeat("\u0333", 4) + "algo", mailaddr.ErrMarks}, {"\u0333Meyer", mailaddr.ErrMarks}, {"Meyer \u0333", mailaddr.ErrMarks},
	{"Meyer\xff", mailaddr.ErrEncoding}, {strings.Repeat("x", 201), mailaddr.ErrTooLong}, {strings.Repeat(" x", 1000), mailaddr.ErrTooLong},
}

func TestNameKeepsWhatPeopleAreCalled(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Concat(names, links) {
		if got, err := mailaddr.Name(name); err != nil || got != name {
			t.Errorf("Name(%q) = %q, %v", name, got, err)
		}
	}
}

func TestNameNormalizes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" \tAnna Mu\u0308ller\t ":       "Anna Müller",
		"\u00a0Anna\u00a0 \u2003Meyer":  "Anna Meyer",
		"Meyer\u3000GmbH":               "Meyer GmbH",
		strings.Repeat("u\u0308", 200):  strings.Repeat("ü", 200),
		strings.Repeat("ß", 200) + "  ": strings.Repeat("ß", 200),
		// The most that is looked at, most of which are blanks.
		"Anna" + strings.Repeat(" ", 1020): "Anna",
	} {
		if got, err := mailaddr.Name(in); err != nil || got != want {
			t.Errorf("Name(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestNameRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range hostile {
		if got, err := mailaddr.Name(test.in); !errors.Is(err, test.want) || got != "" {
			t.Errorf("Name(%q) = %q, %v; want %v", test.in, got, err, test.want)
		}
	}
}
