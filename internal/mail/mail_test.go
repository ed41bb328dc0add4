package mail_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/mail"
	"github.com/kiwi-ki/invitations/internal/wording"
)

var update = flag.Bool("update", false, "write the golden files anew")

// link is as long as links get: 74 characters.
const link = "https://einladung.example/i/0aZ1bY2cX3dW4eV5fU6gT7hS8iR9jQ0kP1lO2mN3nM4oL5"

// sample is the mail to one target in one language.
func sample(target invitation.Target, locale invitation.Locale) invitation.Mail {
	return invitation.Mail{
		DeliveryID:   uuid.MustParse("0192f0c1-2b3c-7d4e-8f50-000000000001"),
		InvitationID: uuid.MustParse("0192f0c1-2b3c-7d4e-8f50-000000000002"),
		Target:       target,
		Language:     locale,
		To:           invitation.NewEmail("anna@müller.example", "anna@xn--mller-kva.example"),
		DisplayName:  "Dr. Anna-Lena Müller-Lüdenscheidt",
		Organization: invitation.Organization{
			Name:    "Müller & Söhne Hausverwaltung GmbH",
			ReplyTo: invitation.NewEmail("post@müller.example", "post@xn--mller-kva.example"),
			Contact: "Telefon 030 1234567, werktags 9 bis 12 Uhr",
			Imprint: []string{"Müller & Söhne Hausverwaltung GmbH, Ahornallee 1, 10115 Berlin", "Amtsgericht Charlottenburg, HRB 12345 B", "Geschäftsführerin: Petra Kühn"},
		},
		Link:      invitation.NewLink(link),
		ExpiresAt: time.Date(2026, time.December, 9, 13, 5, 59, 0, time.UTC),
	}
}

// samples are all mails there are, by the name of their golden files.
func samples() map[string]invitation.Mail {
	mails := make(map[string]invitation.Mail)
	for _, target := range invitation.Targets() {
		for _, language := range wording.Languages() {
			name := strings.ToLower(target.String()) + "." + string(language.Name)
			mails[name] = sample(target, language.Name)
			reminder := sample(target, language.Name)
			reminder.Reminder = true
			mails["reminder."+name] = reminder
		}
	}
	return mails
}

func render(t *testing.T, m invitation.Mail) invitation.Message {
	t.Helper()
	message, err := mail.Render(m)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, m := range samples() {
		message := render(t, m)
		golden(t, name+".txt", "Subject: "+message.Subject+"\n\n"+message.Text)
		golden(t, name+".html", message.HTML)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, []byte(got)) {
		t.Errorf("%s has changed; look at it, then run the test with -update. It is now:\n%s", name, got)
	}
}

func TestEveryMailSaysAllOfIt(t *testing.T) {
	t.Parallel()
	says := map[string][]string{
		"reminder.app.de":    {"zur KIWI App", "läuft bald ab", "noch nicht genutzt", "Gültig bis 9. Dezember 2026, 14:05 Uhr"},
		"reminder.portal.de": {"zum KIWI Portal", "läuft bald ab", "noch nicht genutzt", "Gültig bis 9. Dezember 2026, 14:05 Uhr"},
		"reminder.app.en":    {"to the KIWI App", "expires soon", "not been used", "Valid until 9 December 2026, 14:05 (CET)"},
		"reminder.portal.en": {"to the KIWI Portal", "expires soon", "not been used", "Valid until 9 December 2026, 14:05 (CET)"},

		"app.de":    {"zur KIWI App", "Gültig bis 9. Dezember 2026, 14:05 Uhr", "genau einmal", "nicht erwartet", "neuesten E-Mail", "abgelaufen"},
		"portal.de": {"zum KIWI Portal", "Gültig bis 9. Dezember 2026, 14:05 Uhr", "genau einmal", "nicht erwartet", "neuesten E-Mail", "abgelaufen"},
		"app.en":    {"to the KIWI App", "Valid until 9 December 2026, 14:05 (CET)", "exactly once", "did not expect", "latest e-mail", "expired"},
		"portal.en": {"to the KIWI Portal", "Valid until 9 December 2026, 14:05 (CET)", "exactly once", "did not expect", "latest e-mail", "expired"},
	}
	for name, m := range samples() {
		message := render(t, m)
		if len(says[name]) == 0 {
			t.Errorf("%s: no line of this test says what the mail has to say in its language", name)
			continue
		}
		if !strings.Contains(message.Subject, says[name][0]) || !strings.Contains(message.Subject, m.Organization.Name) {
			t.Errorf("%s: the subject is %q", name, message.Subject)
		}
		visible := visibleText(t, message.HTML)
		unwrapped := strings.Join(strings.Fields(message.Text), " ")
		for _, phrase := range append(says[name], m.Organization.Name, m.Organization.Contact, m.Organization.Imprint[1], m.DisplayName, link) {
			if !strings.Contains(unwrapped, phrase) {
				t.Errorf("%s: the text lacks %q", name, phrase)
			}
			if !strings.Contains(visible, phrase) {
				t.Errorf("%s: the HTML lacks %q", name, phrase)
			}
		}
		if !strings.Contains(message.Text, "\n\n"+link+"\n\n") {
			t.Errorf("%s: the link has no line of its own", name)
		}
	}
}

func TestMessageKeepsWhoAndWhich(t *testing.T) {
	t.Parallel()
	m := sample(invitation.TargetApp, invitation.German)
	message := render(t, m)
	if message.DeliveryID != m.DeliveryID || message.InvitationID != m.InvitationID ||
		message.To != m.To || message.ReplyTo != m.Organization.ReplyTo || message.ToName != m.DisplayName {
		t.Errorf("the message belongs to another mail: %+v", message)
	}
}

func TestTextLines(t *testing.T) {
	t.Parallel()
	for name, m := range samples() {
		message := render(t, m)
		for line := range strings.Lines(message.Text) {
			line = strings.TrimSuffix(line, "\n")
			if utf8.RuneCountInString(line) > 78 && line != link {
				t.Errorf("%s: a line is too long: %q", name, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("%s: a line ends in a blank: %q", name, line)
			}
		}
		if len(message.HTML) > 30_000 {
			t.Errorf("%s: the HTML has %d bytes", name, len(message.HTML))
		}
	}
}

func TestDeadlineIsOnBerlinClocks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		at              time.Time
		german, english string
	}{
		{time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC), "2. Juli 2026, 00:30 Uhr", "2 July 2026, 00:30 (CEST)"},
		{time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC), "1. Januar 2027, 00:00 Uhr", "1 January 2027, 00:00 (CET)"},
		{time.Date(2027, 3, 28, 0, 59, 0, 0, time.UTC), "28. März 2027, 01:59 Uhr", "28 March 2027, 01:59 (CET)"},
		{time.Date(2027, 3, 28, 1, 0, 0, 0, time.UTC), "28. März 2027, 03:00 Uhr", "28 March 2027, 03:00 (CEST)"},
		{time.Date(2026, 5, 4, 3, 2, 1, 0, time.FixedZone("", -5*3600)), "4. Mai 2026, 10:02 Uhr", "4 May 2026, 10:02 (CEST)"},
	} {
		for locale, want := range map[invitation.Locale]string{invitation.German: test.german, invitation.English: test.english} {
			m := sample(invitation.TargetApp, locale)
			m.ExpiresAt = test.at
			if message := render(t, m); !strings.Contains(message.Text, want) || !strings.Contains(message.HTML, want) {
				t.Errorf("%s: not %q in:\n%s", test.at, want, message.Text)
			}
		}
	}
}

func TestWithoutOrganization(t *testing.T) {
	t.Parallel()
	for locale, want := range map[invitation.Locale][2]string{
		invitation.German:  {"Einladung zur KIWI App von Ihrer Hausverwaltung", "Ihre Hausverwaltung lädt Sie zur KIWI App ein."},
		invitation.English: {"Invitation to the KIWI App from your property manager", "Your property manager invites you to the KIWI App."},
	} {
		m := sample(invitation.TargetApp, locale)
		m.Organization = invitation.Organization{ID: "o"}
		message := render(t, m)
		if message.Subject != want[0] || !strings.Contains(message.Text, want[1]) || !strings.Contains(visibleText(t, message.HTML), want[1]) {
			t.Errorf("%s: %q\n%s", locale, message.Subject, message.Text)
		}
	}
}

// TestBestLanguage: of those that there are, the one that is understood best.
func TestBestLanguage(t *testing.T) {
	t.Parallel()
	for locale, want := range map[invitation.Locale]invitation.Locale{
		"de-AT": "de", "DE": "de", "gsw": "de", "en-GB": "en", "en-u-ca-buddhist": "en", "en-150": "en",
		"": "de", "fr": "de", "tr": "de", "zh-Hant": "de", "x": "de", "../en": "de",
	} {
		if got := render(t, sample(invitation.TargetPortal, locale)); got != render(t, sample(invitation.TargetPortal, want)) {
			t.Errorf("%q is not written in %q", locale, want)
		}
	}
}

func TestNoMailWithoutLink(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "einladung.kiwi.example/I/A", "https://", "javascript://x/alert(1)", "ftp://x/", "https://x/\r\ny", `https://x/"y`, "https://x/ y", "https://x/ü"} {
		m := sample(invitation.TargetApp, invitation.German)
		m.Link = invitation.NewLink(text)
		if message, err := mail.Render(m); !errors.Is(err, mail.ErrLink) || message != (invitation.Message{}) {
			t.Errorf("a mail with the link %q: %v", text, err)
		}
	}
}
