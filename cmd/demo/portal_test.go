//go:build !fast

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
)

// What the help article takes for granted.

// TestBounce: what became of a mail shows by itself, and there is a way on.
func TestBounce(t *testing.T) {
	onEveryScreen(t, func(_ *testing.T, b *tab) {
		p := somebody()
		p.email = "bounce+" + p.email
		b.create(p)
		b.invite("Einladung senden")
		b.see("unzustellbar", "An diese Adresse kommt keine E-Mail an", "endgültig abgewiesen")
		b.click("Einladen")
		b.offers("Einladung widerrufen", "QR-Code generieren")
		b.looked("Unzustellbar")
		b.follow("Postfach geht wieder")
		b.see("gilt wieder als zustellbar")
		b.follow("Adresse ändern")
		b.fill("E-Mail-Adresse", somebody().email)
		b.follow("Speichern")
		b.see("Die Adresse ist gespeichert", "zugestellt")
		b.unseen("kommt keine E-Mail an")
	})
}

// TestLive: an open page shows what somebody else does, and keeps what its reader
// is about to do.
func TestLive(t *testing.T) {
	t.Parallel()
	b, user := newTab(t, desktop), newTab(t, phone)
	p := b.invited(t)
	b.click("Einladen")
	user.open(p.link(t))
	user.follow("Konto aktivieren")
	user.see("Sie sind dabei")
	b.see("Online", "bestätigt", "Einladung eingelöst", "Aktivierung zurücksetzen")
}

// TestManyTabs: pages that nobody sees keep none of the six connections that a browser
// has to a server.
func TestManyTabs(t *testing.T) {
	t.Parallel()
	first := newTab(t, desktop)
	for range 7 {
		ctx, cancel := chromedp.NewContext(first.ctx)
		t.Cleanup(cancel)
		next := &tab{t: t, ctx: ctx, screen: desktop}
		next.open(here.portal)
		next.see("KIWI Portal")
		next.do(chromedp.Evaluate[chromedp.Void](`Object.defineProperty(document, "hidden", {value: true})
			document.dispatchEvent(new Event("visibilitychange"))`))
	}
}

// TestAnyNumber: users' numbers are the portal's own, and may have any character.
func TestAnyNumber(t *testing.T) {
	t.Parallel()
	b, p := newTab(t, desktop), somebody()
	b.open(here.portal + "/new")
	b.fill("Name", p.name+` & "Söhne" &amp;`)
	number, _, _ := strings.Cut(p.email, "@")
	b.fill("Nutzernummer", `a/b?c#d%e&f=g+h;"'`+number)
	b.fill("E-Mail-Adresse", p.email)
	b.follow("Anlegen")
	b.see(p.name+` & "Söhne" &amp;`, "zugestellt")
}

// TestNoPage: an address that leads nowhere says so, in the reader's language.
func TestNoPage(t *testing.T) {
	t.Parallel()
	b := newTab(t, phone)
	for _, address := range []string{here.portal + "/nothing", here.app + "/i/a/b"} {
		b.open(address)
		b.see("Diese Seite gibt es nicht")
		b.looked("Keine Seite")
	}
}

// TestMany: a file of users with a result for each line; then all of them are
// invited, invited once more, and printed.
func TestMany(t *testing.T) {
	onEveryScreen(t, func(t *testing.T, b *tab) {
		first, second, third := somebody(), somebody(), somebody()
		file := filepath.Join(t.TempDir(), "nutzer.csv")
		harness.Must(t, os.WriteFile(file, []byte("Name;Art;Sprache;E-Mail\n"+
			first.name+";Mieter;de;"+first.email+"\n"+
			second.name+";Mitarbeiter;en;keine Adresse\n"+
			third.name+";Wohnungseigentümer;;\n"), 0o600))
		b.open(here.portal)
		b.follow("CSV importieren")
		b.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{file}))
		b.looked("CSV")
		b.follow("Importieren")
		b.see("Zeile 2", first.name, "Zeile 3", "keine gültige E-Mail-Adresse", "Zeile 4", third.name)
		b.looked("CSV, Ergebnis")

		numbers := b.numbers()
		b.find(strings.Join(numbers, " "))
		b.see(first.name, third.name, "keine E-Mail-Adresse")
		b.click("alle")
		b.looked("Nutzer")
		b.follow("Einladen")
		b.see("gesendet", "gültig bis", "nicht gesendet", "fehlt die E-Mail-Adresse")
		b.looked("Viele eingeladen")

		b.find(strings.Join(numbers, " "))
		b.click("alle")
		b.follow("Infoblätter")
		b.see("Seite 1", "Seite 2")
		b.looked("Infoblätter")
		sheets := filepath.Join(t.TempDir(), "sheets.pdf")
		harness.Must(t, os.WriteFile(sheets, b.download("Infoblätter herunterladen"), 0o600))
		text, err := exec.Command("pdftotext", sheets, "-").Output()
		harness.Must(t, err)
		for _, name := range []string{first.name, third.name, here.app + "/i/"} {
			if !strings.Contains(string(text), name) {
				t.Errorf("the sheets do not say %q:\n%s", name, text)
			}
		}
	})
}

// TestLifeOfAUser: edited, deactivated, brought back, erased.
func TestLifeOfAUser(t *testing.T) {
	onEveryScreen(t, func(t *testing.T, b *tab) {
		p, other := b.invited(t), somebody()
		link := p.link(t)
		b.follow("Bearbeiten")
		b.fill("Name", other.name)
		b.looked("Bearbeiten")
		b.follow("Speichern")
		b.see(other.name, "Nutzer geändert")
		b.follow("Deaktivieren")
		b.looked("Deaktivieren?")
		b.follow("Deaktivieren")
		b.see("Deaktiviert", "Kein Link dieses Nutzers gilt mehr")
		b.looked("Deaktiviert")
		b.open(link)
		b.see("Ihr Zugang ist nicht aktiv")
		b.open(p.page)
		b.follow("Reaktivieren")
		b.follow("Reaktivieren")
		b.see("Offline")
		b.follow("Löschen")
		b.see("Das lässt sich nicht rückgängig machen")
		b.follow("Löschen")
		b.see("Der Nutzer ist gelöscht")
		b.open(p.page)
		b.see("Diesen Nutzer gibt es nicht")
		b.looked("Gelöscht")
	})
}

// TestOrganization: what mails, and the app, say of the property manager.
func TestOrganization(t *testing.T) {
	onEveryScreen(t, func(_ *testing.T, b *tab) {
		b.open(here.portal + "/organization")
		b.fill("Name, wie", "Hausverwaltung Müller")
		b.fill("Kontakt", "030 123456")
		b.fill("Antworten gehen an", "niemand@beispiel")
		b.follow("Speichern")
		b.see("keine gültige E-Mail-Adresse", "eine E-Mail-Adresse wie")
		b.looked("Organisation, abgelehnt")
		b.fill("Antworten gehen an", "buero@example.com")
		b.fill("Impressum", "Hausverwaltung Müller GmbH\nAmtsgericht Charlottenburg, HRB 12345")
		b.follow("Speichern")
		b.see("Gespeichert")
		b.looked("Organisation")
		b.open(b.invited(b.t).link(b.t))
		b.see("Hausverwaltung Müller lädt Sie zur KIWI App ein")
	})
}

// TestEnglish: for a browser that asks for it, and for who chooses it.
func TestEnglish(t *testing.T) {
	b, p := newTab(t, desktop), somebody()
	b.speak("en-GB")
	b.open(here.portal + "/new")
	b.see("New user", "Invite later")
	b.fill("Name", p.name)
	b.fill("E-mail address", p.email)
	b.follow("Create")
	b.see("the invitation is on its way", "delivered", "History")
	b.click("Invite")
	b.offers("Renew invitation", "Revoke invitation", "Generate QR code")
	b.open(p.link(t))
	b.see("Welcome, "+p.name, "invites you to the KIWI App")
	b.open(here.portal + "/?lang=de")
	b.see("Nutzer anlegen")
	b.open(here.app + "/i/nothing")
	b.see("Dieser Link ist nicht vollständig")
	b.looked("Unvollständiger Link")
}

// find looks for users on the list.
func (b *tab) find(what string) {
	b.t.Helper()
	b.open(here.portal)
	b.fill("Nummer oder", what)
	b.follow("Suchen")
}

// numbers are those of the users that the page leads to.
func (b *tab) numbers() []string {
	b.t.Helper()
	all, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](
		`[...document.querySelectorAll(".results a")].map((a) => decodeURIComponent(a.pathname.split("/").pop()))`))
	harness.Must(b.t, err)
	return all
}
