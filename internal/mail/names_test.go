package mail_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"mvdan.cc/xurls/v2"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// linkish are names that a mail program would take a part of for a link.
var linkish = []string{
	"Wohnen.de GmbH", "immo.berlin Verwaltungs GmbH", "@home Immobilien", "Zi.Nr.12", "hr.support?x=1", "med.ru", "t.co", "dr.рф", "hr.zip",
	"tel:0900123456", "tel:0900 123456", "Service 0900-123-4567", "+49 30 1234567", "(030) 123-4567 Klein", "sms:12345", "javascript:alert(1)",
	"http://evil.example", "HTTPS://EVIL.EXAMPLE/x?y#z", "//evil.example", "///evil.example", "mailto:eve@evil.example", "eve@evil.example", "eve@localhost",
	"www.evil.example", "WWW.Evil.Example", "Meyer,www.evil.de", "(evil.example)", "evil.com.", "evil.com/login", "evil.com:80", "foo_bar.de", "müller.de",
	"evil.xn--p1ai", "зло.рф", "evil.中国", "evil。com", "ｅｖｉｌ．ｃｏｍ", "evil․com", "ｗｗｗ．evil", "eve＠evil.example", "i❤.ws", "evil.🔑.ws", "192.0.2.1", "[2001:db8::1]",
	"a.b.c.d.e.com", "ftp://x", "x://y", "bitcoin:1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "_dmarc.evil.com", "evil..com", "evil.-x.com", "x@y.z@evil.com",
}

// They find more than any mail program does: what hangs together and has a dot, an
// @ or a scheme in it, and a long number.
var (
	address   = regexp.MustCompile(`[\pL\pN]\.[\pL\pN]|\S@\S|\pL:\S|//`)
	telephone = regexp.MustCompile(`\pN{7}|(\pN[ -]?){7}`)
)

// TestNamesStayText: nobody who may choose a name can put a link of their own into
// a mail.
func TestNamesStayText(t *testing.T) {
	t.Parallel()
	for _, name := range linkish {
		m := sample(invitation.TargetApp, invitation.English)
		m.DisplayName = name
		m.Organization = invitation.Organization{Name: name, Contact: name, Imprint: []string{name}}
		message := render(t, m)
		m.Organization.Contact, m.Organization.Imprint = "", nil
		named := strings.ReplaceAll(render(t, m).Text, link, "")
		if found := telephone.FindString(named); found != "" {
			t.Errorf("%q: a phone could call %q", name, found)
		}
		for what, text := range map[string]string{
			"subject": message.Subject, "text": message.Text, "HTML": visibleText(t, message.HTML), "recipient's name": message.ToName,
		} {
			text = strings.ReplaceAll(text, link, "")
			if found := xurls.Relaxed().FindString(text); found != "" {
				t.Errorf("%q: the %s links %q", name, what, found)
			}
			if found := address.FindString(text); found != "" {
				t.Errorf("%q: the %s could link %q", name, what, found)
			}
		}
	}
}

// TestNamesStayNames: what is no link is written as it is.
func TestNamesStayNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Dr. Anna Müller": "", "24/7 Hausmeister": "", "Haus & Grund „Süd“ gGmbH": "", "WEG Hauptstr. 12/14": "", "c/o Meyer": "", "@home Immobilien": "",
		"Meyer (z. Zt. verreist)": "", "Müller: Verwaltung": "", "محمد رضا\u200cزاده": "", "Meyer...": "", "1A Immobilien": "", "10115 Berlin": "",
		"Dr.Müller": "Dr. Müller", "Hausbau e.V.": "Hausbau e. V.", "Wohnen.de GmbH": "Wohnen. de GmbH", "Zi.Nr.12": "Zi. Nr. 12", "Bett@Home": "Bett @Home",
	} {
		if want == "" {
			want = name
		}
		m := sample(invitation.TargetApp, invitation.German)
		m.DisplayName = name
		message := render(t, m)
		if !strings.Contains(message.Text, "Guten Tag "+want+",\n") || !strings.Contains(visibleText(t, message.HTML), "Guten Tag "+want+",") || message.ToName != want {
			t.Errorf("%q became another name: %q\n%s", name, message.ToName, message.Text)
		}
	}
}

// TestLongNames: a subject shortens them, and they begin no line of the text.
func TestLongNames(t *testing.T) {
	t.Parallel()
	m := sample(invitation.TargetApp, invitation.German)
	m.DisplayName = strings.TrimSpace(strings.Repeat("Anna Gewonnen ", 14))
	m.Organization = invitation.Organization{Name: strings.TrimSpace(strings.Repeat("Wohnungsbau ", 16)), Imprint: []string{"Imprint"}}
	message := render(t, m)
	if n := utf8.RuneCountInString(message.Subject); n > 120 || !strings.Contains(message.Subject, "…") {
		t.Errorf("a subject of %d characters: %s", n, message.Subject)
	}
	if !strings.Contains(message.Text, m.DisplayName) || !strings.Contains(message.Text, m.Organization.Name) {
		t.Errorf("the text shortens a name:\n%s", message.Text)
	}
	for line := range strings.Lines(message.Text) {
		own := strings.HasPrefix(line, m.Organization.Name)
		if !own && (strings.HasPrefix(line, "Anna") || strings.HasPrefix(line, "Gewonnen") || strings.HasPrefix(line, "Wohnungsbau")) {
			t.Errorf("a name begins the line %q", line)
		}
		if len(line) > 998 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}
