//go:build !fast

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
)

var people atomic.Int64

// person is somebody whom no other test knows.
type person struct{ name, email, page string }

func somebody() *person {
	n := people.Add(1)
	return &person{name: fmt.Sprintf("Anna Muster-%d", n), email: fmt.Sprintf("anna-%d@example.com", n)}
}

// withoutAddress is the same person, of whom nobody knows an address.
func (p *person) withoutAddress() *person {
	p.email = ""
	return p
}

// create makes a user as an operator does, and invites nobody. The user's page is
// open then.
func (b *tab) create(p *person) {
	b.t.Helper()
	b.open(here.portal)
	b.follow("Nutzer anlegen")
	b.fill("Name", p.name)
	if p.email != "" {
		b.fill("E-Mail-Adresse", p.email)
	}
	b.click("Später einladen")
	b.follow("Anlegen")
	b.see("Der Nutzer ist angelegt", p.name)
	p.page = b.address()
}

// invited is somebody whose page is open and who has a mail.
func (b *tab) invited(t *testing.T) *person {
	t.Helper()
	p := somebody()
	b.create(p)
	b.invite("Einladung senden")
	b.see("Eingeladen zur App", "zugestellt")
	return p
}

// invite chooses an entry of the dropdown.
func (b *tab) invite(entry string) {
	b.t.Helper()
	b.click("Einladen")
	b.follow(entry)
}

// address is that of the page, without what was done there.
func (b *tab) address() string {
	b.t.Helper()
	address, err := chromedp.Run(b.ctx, chromedp.Location())
	harness.Must(b.t, err)
	page, _, _ := strings.Cut(address, "?")
	return page
}

var mailedLink = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/i/[0-9A-Za-z]{46}`)

// link is that in the newest mail to the person.
func (p *person) link(t *testing.T) string { return p.newLink(t, "") }

// newLink waits for a mail with another link than an older one.
func (p *person) newLink(t *testing.T, older string) string {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx := harness.Within(t); ; {
		if link := mailedLink.FindString(newestMail(t, p.email)); link != "" && link != older {
			return link
		}
		select {
		case <-ctx.Done():
			t.Fatal("no mail with another link came")
		case <-tick.C:
		}
	}
}

func newestMail(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get(here.inbox + "/api/messages?to=" + url.QueryEscape(address))
	harness.Must(t, err)
	defer func() { _ = response.Body.Close() }()
	var mails []struct{ Text string }
	harness.Must(t, json.NewDecoder(response.Body).Decode(&mails))
	if len(mails) == 0 {
		return ""
	}
	return mails[0].Text
}

// expire has 14 days pass for one person's invitations.
func expire(t *testing.T, p *person) {
	t.Helper()
	dsn, err := os.ReadFile(filepath.Join(here.home, ".data", "database-url"))
	harness.Must(t, err)
	db, err := pgx.Connect(t.Context(), strings.TrimSpace(string(dsn)))
	harness.Must(t, err)
	defer func() { _ = db.Close(t.Context()) }()
	changed, err := db.Exec(t.Context(), `
		WITH person AS (UPDATE users SET invited_until = invited_until - interval '15 days' WHERE email = $1 RETURNING id)
		UPDATE invitations SET issued_at = issued_at - interval '15 days', expires_at = expires_at - interval '15 days'
		WHERE user_id = (SELECT id FROM person)`, p.email)
	harness.Must(t, err)
	if changed.RowsAffected() != 1 {
		t.Fatalf("%d invitations expired", changed.RowsAffected())
	}
}

// scan reads a QR code as a phone does.
func scan(t *testing.T, image []byte, format string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "code."+format)
	harness.Must(t, os.WriteFile(file, image, 0o600))
	if format == "svg" {
		drawn := file + ".png"
		out, err := exec.Command("rsvg-convert", "--width", "600", "--output", drawn, file).CombinedOutput()
		if err != nil {
			t.Fatalf("rsvg-convert: %v\n%s", err, out)
		}
		file = drawn
	}
	text, err := exec.Command("zbarimg", "--quiet", "--raw", file).Output()
	harness.Must(t, err)
	return strings.TrimSpace(string(text))
}
