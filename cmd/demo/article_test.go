//go:build !fast

package main_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// The tests of this file walk the portal's help article, paragraph by paragraph, as
// an operator and an invited person do.

// TestInviteNow: "Sie können bei der Erstellung eines Nutzers nun wählen, ob dieser
// sofort oder später eine Einladung zur KIWI App oder KIWI Portal erhalten soll. Um
// sofort eine Einladung zu versenden, müssen Sie zwingend eine E-Mail-Adresse
// angeben."
func TestInviteNow(t *testing.T) {
	onEveryScreen(t, func(_ *testing.T, b *tab) {
		p := somebody()
		b.open(here.portal)
		b.follow("Nutzer anlegen")
		b.fill("Name", p.name)
		b.choose("Nutzertyp", "Mitarbeiter")
		b.click("KIWI Portal")
		b.looked("Nutzer anlegen")
		b.follow("Anlegen")
		b.see("fehlt die E-Mail-Adresse")
		b.looked("Nutzer anlegen, abgelehnt")
		b.fill("E-Mail-Adresse", p.email)
		b.follow("Anlegen")
		b.see("die Einladung ist unterwegs", "Eingeladen zum Portal", p.email)
		b.see("zugestellt")
		b.looked("Mitarbeiter")
		b.open(p.link(b.t))
		b.see("Willkommen, "+p.name, "lädt Sie zum KIWI Portal ein")
		b.looked("Einladung zum Portal")
	})
}

// TestOnlyEmployees: "… oder KIWI Portal (nur Mitarbeiter)".
func TestOnlyEmployees(t *testing.T) {
	b, p := newTab(t, desktop), somebody()
	b.open(here.portal + "/new")
	b.fill("Name", p.name)
	b.fill("E-Mail-Adresse", p.email)
	b.click("KIWI Portal")
	b.follow("Anlegen")
	b.see("Zum KIWI Portal können nur Mitarbeiter eingeladen werden")
}

// TestSend: "Einladung senden: Um den ersten Aktivierungslink an einen Benutzer zu
// senden. Wenn dem System eine E-Mail bekannt ist: Die Einladung wird sofort
// gesendet. Wenn keine E-Mail bekannt ist: Sie werden aufgefordert, zuerst die
// E-Mail-Adresse des Benutzers einzugeben."
func TestSend(t *testing.T) {
	onEveryScreen(t, func(_ *testing.T, b *tab) {
		b.create(somebody().withoutAddress())
		b.see("Offline", "keine bekannt")
		b.click("Einladen")
		b.offers("Einladung senden", "QR-Code generieren")
		b.looked("Einladen")
		b.follow("Einladung senden")
		b.see("Für die Einladung fehlt noch die E-Mail-Adresse")
		b.looked("Adresse gefragt")
		b.fill("E-Mail-Adresse", somebody().email)
		b.follow("Speichern")
		b.see("Die Adresse ist gespeichert", "Eingeladen zur App", "zugestellt")

		b.create(somebody())
		b.invite("Einladung senden")
		b.see("Die Einladung ist unterwegs", "Eingeladen zur App", "zugestellt")
		b.looked("Eingeladen")
	})
}

// TestRenew: "Einladung erneuern: Wenn der Benutzer die ursprüngliche E-Mail verloren
// hat oder der Aktivierungslink abgelaufen ist. Sendet eine neue Einladung an die
// aktuell bekannte E-Mail-Adresse."
func TestRenew(t *testing.T) {
	onEveryScreen(t, func(t *testing.T, b *tab) {
		p := b.invited(t)
		lost := p.link(t)
		b.click("Einladen")
		b.offers("Einladung erneuern", "Einladung widerrufen", "QR-Code generieren")
		b.follow("Einladung erneuern")
		b.see("Die Einladung ist unterwegs", "Einladung erneuert")
		fresh := p.newLink(t, lost)
		b.open(lost)
		b.see("Es gibt eine neuere Einladung", "Öffnen Sie die neueste E-Mail")
		b.looked("Ersetzter Link")
		b.open(fresh)
		b.see("Willkommen, " + p.name)

		expire(t, p)
		b.open(fresh)
		b.see("Dieser Link ist abgelaufen", "zu erneuern")
		b.looked("Abgelaufener Link")
		b.open(p.page)
		b.see("Abgelaufen")
		b.invite("Einladung erneuern")
		b.see("Eingeladen zur App")
		b.open(p.newLink(t, fresh))
		b.see("Willkommen, " + p.name)
	})
}

// TestRevoke: "Einladung widerrufen: Annulliert die Einladung sofort. Der Benutzer
// kann sich nicht registrieren, bis eine neue Einladung gesendet wird."
func TestRevoke(t *testing.T) {
	onEveryScreen(t, func(t *testing.T, b *tab) {
		p := b.invited(t)
		dead := p.link(t)
		b.invite("Einladung widerrufen")
		b.see("Jeder Link wird sofort ungültig")
		b.looked("Widerrufen?")
		b.follow("Widerrufen")
		b.see("Die Einladung ist widerrufen", "Offline")
		b.open(dead)
		b.see("Diese Einladung wurde zurückgezogen")
		b.looked("Widerrufener Link")
		b.open(p.page)
		b.invite("Einladung senden")
		b.see("Die Einladung ist unterwegs")
		b.open(p.newLink(t, dead))
		b.see("Willkommen, " + p.name)
	})
}

// TestQRCode: "Wählen Sie die Option QR-Code generieren. Das Portal zeigt einen
// KIWI-gebrandeten QR-Code an. Sie können den QR-Code als Bild oder den
// Aktivierungslink in Ihre Zwischenablage kopieren. Der Benutzer kann diesen QR-Code
// bzw. den Aktivierungslink scannen bzw. öffnen, um die Kontoaktivierung
// abzuschließen."
func TestQRCode(t *testing.T) {
	onEveryScreen(t, func(t *testing.T, b *tab) {
		b.allowClipboard(here.portal)
		p := somebody().withoutAddress()
		b.create(p)
		b.invite("QR-Code generieren")
		b.see("QR-Code für "+p.name, "gültig bis")
		b.looked("QR-Code")
		b.click("Link kopieren")
		b.see("In die Zwischenablage kopiert")
		link := b.clipboardText()
		b.open(p.page)
		b.invite("QR-Code generieren")
		b.click("QR-Code kopieren")
		b.see("In die Zwischenablage kopiert")
		if scanned := scan(t, b.clipboardImage(), "png"); scanned != link || !strings.HasPrefix(link, here.app+"/i/") {
			t.Errorf("the image reads %q, and the link is %q", scanned, link)
		}
		if scanned := scan(t, b.download("PNG"), "png"); scanned != link {
			t.Errorf("the PNG file reads %q", scanned)
		}
		if scanned := scan(t, b.download("SVG"), "svg"); scanned != link {
			t.Errorf("the SVG file reads %q", scanned)
		}
		if sheet := b.download("Infoblatt"); !bytes.HasPrefix(sheet, []byte("%PDF-")) {
			t.Errorf("the info sheet is %.200q", sheet)
		}
		b.follow("Schließen")
		b.see("Eingeladen zur App", "QR-Code oder Link angezeigt")
		b.back()
		b.see("Eingeladen zur App")

		for range 2 { // mail scanners do that, and people who look twice
			b.open(link)
			b.see("Willkommen, "+p.name, "lädt Sie zur KIWI App ein")
		}
		b.looked("Einladung zur App")
		b.follow("Konto aktivieren")
		b.see("Sie sind dabei", "Ihre KIWI App ist bereit, "+p.name)
		b.unseen("bestätigt")
		b.looked("Dabei")
		b.open(link)
		b.see("Sie sind schon dabei", "Melden Sie sich einfach an")
		b.looked("Eingelöster Link")
	})
}

// TestEditAddress: "Sie können die E-Mail-Adresse eines Benutzers nur ändern, wenn
// das Feld leer ist oder die Adresse noch nicht bestätigt wurde. Option 1:
// Einladungsemail jetzt senden (empfohlen). Option 2: später senden."
func TestEditAddress(t *testing.T) {
	onEveryScreen(t, func(t *testing.T, b *tab) {
		p, later := b.invited(t), somebody()
		old := p.link(t)
		b.follow("Adresse bearbeiten")
		b.see("Einladungsemail jetzt senden (empfohlen)")
		b.looked("Adresse bearbeiten")
		b.fill("E-Mail-Adresse", later.email)
		b.click("Später senden")
		b.follow("Speichern")
		b.see("Die Adresse ist gespeichert", later.email, "Offline")
		b.open(old)
		b.see("Diese Einladung ging an eine frühere Adresse")
		b.looked("Link an die frühere Adresse")

		b.open(p.page)
		now := somebody()
		b.follow("Adresse bearbeiten")
		b.fill("E-Mail-Adresse", now.email)
		b.follow("Speichern")
		b.see("Eingeladen zur App", now.email, "zugestellt")
		b.open(now.link(t))
		b.follow("Konto aktivieren")
		b.see("Sie sind dabei", "Ihre E-Mail-Adresse ist bestätigt")
		b.open(p.page)
		b.see("Online", "bestätigt", "Nur er selbst kann sie ändern")
		b.unseen("Adresse bearbeiten")
		b.click("Einladen")
		b.offers("Aktivierung zurücksetzen")
		b.looked("Online")
	})
}

// TestAddressInUse: "Sie können einem Benutzer keine E-Mail-Adresse zuweisen, die
// bereits von einem anderen aktiven Konto verwendet wird. Das Portal zeigt eine
// Fehlermeldung an und die Änderung wird nicht gespeichert."
func TestAddressInUse(t *testing.T) {
	onEveryScreen(t, func(t *testing.T, b *tab) {
		holder := b.invited(t)
		p := somebody()
		b.create(p)
		b.follow("Adresse bearbeiten")
		b.fill("E-Mail-Adresse", strings.ToUpper(holder.email))
		b.follow("Speichern")
		b.see("wird bereits von einem anderen aktiven Konto verwendet", "Es wurde nichts gespeichert")
		b.looked("Adresse vergeben")
		b.follow("Abbrechen")
		b.see(p.email, "Offline")
	})
}

// TestReset: the wrong person had the phone.
func TestReset(t *testing.T) {
	onEveryScreen(t, func(t *testing.T, b *tab) {
		p := b.invited(t)
		link := p.link(t)
		b.open(link)
		b.follow("Konto aktivieren")
		b.see("Sie sind dabei")
		b.open(p.page)
		b.invite("Aktivierung zurücksetzen")
		b.see("Der Zugang wird gesperrt")
		b.follow("Zurücksetzen")
		b.see("Die Aktivierung ist zurückgesetzt", "Offline", "unbestätigt")
		b.open(link)
		b.see("Diese Einladung wurde zurückgezogen")
	})
}

// offers holds the dropdown's entries against what it should have, in any order.
func (b *tab) offers(want ...string) {
	b.t.Helper()
	got := b.entries()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.t.Errorf("%s: the dropdown offers %q, want %q", b.screen.name, got, want)
	}
}
