package invitation_test

import (
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestLink: a link is the base and the token of the current generation, and
// short enough for its QR code.
func TestLink(t *testing.T) {
	t.Parallel()
	r := ring(t, lineA)
	inv := &invitation.Invitation{
		ID: someToken.InvitationID, Mailed: invitation.ChannelState{Generation: 7, Open: true}, Shared: invitation.ChannelState{Generation: 3},
	}
	for base, want := range map[string]string{
		"https://app.kiwi.example/i/": "https://app.kiwi.example/i/",
		"https://app.kiwi.example/i":  "https://app.kiwi.example/i/",
		"https://app.kiwi.example/":   "https://app.kiwi.example/",
		"http://localhost:8080/I/":    "http://localhost:8080/I/",
		"https://kiwi.ki/a.b/C-_~d/":  "https://kiwi.ki/a.b/C-_~d/",
		"https://9.kiwi-2.ki/":        "https://9.kiwi-2.ki/",
		longest + "/":                 longest + "/",
		longest:                       longest + "/",
	} {
		l, err := invitation.NewLinker(base, r)
		if err != nil {
			t.Errorf("NewLinker(%q): %v", base, err)
			continue
		}
		for _, channel := range invitation.Channels() {
			link := l.Link(inv, channel).Reveal()
			token, found := strings.CutPrefix(link, want)
			if !found || !tokenText.MatchString(token) || len(link) > 74 {
				t.Errorf("a link below %q is %q", base, link)
			}
			for _, text := range []string{token, link} {
				if got, err := l.Verify(text); err != nil || got != tokenOf(inv, channel) {
					t.Errorf("the token of %q is %+v, %v", text, got, err)
				}
			}
		}
	}
}

// longest has room for a slash and a token.
const longest = "https://kiwi.example.org/12"

func TestBaseURLRefused(t *testing.T) {
	t.Parallel()
	r := ring(t, lineA)
	for _, base := range []string{
		"", "/", "/I/", "//kiwi.ki/I/", "kiwi.ki/I/", "kiwi.ki", "https:", "https://", "https:///I/", "https:kiwi.ki/I/",
		"https://kiwi.ki", "ftp://kiwi.ki/I/", "javascript://kiwi.ki/I/", "mailto:a@kiwi.ki", "httpss://kiwi.ki/I/",
		"https://:443/I/", "https://user@kiwi.ki/I/", "https://user:pass@kiwi.ki/I/", "https://kiwi.ki/I/?t=", "https://kiwi.ki/I/#",
		"https://kiwi.ki/I/#t=", "https://kiwi.ki/%49/", "https://kiwi.ki/i+/", "https://kiwi.ki:/i/", "https://.kiwi.ki/i/",
		"https://kiwi.ki/ i/", "https://kiwi.ki/I/\n", "\nhttps://kiwi.ki/I/", " https://kiwi.ki/I/", "https://müller.de/I/",
		"https://kiwi.ki/ß/", "https://[::1]/I/", "https://kiwi.ki:port/I/", "https://kiwi.ki\\I\\", "https://kiwi.ki/I/\x00",
		"HTTPS://kiwi.ki/i/", "Https://kiwi.ki/i/", "https://KIWI.ki/i/", "https://kiwi.ki//", "https://kiwi.ki//i/", "https://kiwi.ki/i//",
		"https://kiwi.ki/./", "https://kiwi.ki/../", "https://kiwi.ki/a/../i/", "https://kiwi.ki/i/.", longest + "4", longest + "4/",
	} {
		if l, err := invitation.NewLinker(base, r); err == nil {
			t.Errorf("NewLinker(%q) takes it, for links like %s", base, l.Link(&invitation.Invitation{}, invitation.Shared).Reveal())
		} else if strings.Contains(err.Error(), "pass") {
			t.Errorf("the error %q quotes a password", err)
		}
	}
	if _, err := invitation.NewLinker(longest+"45/", r); err == nil || !strings.Contains(err.Error(), "2 characters too long") || !strings.Contains(err.Error(), "may have 28") {
		t.Errorf("a base of 30 characters is refused with %v", err)
	}
}

// TestReadWithClutter: what chat programs, clipboards and people leave around a
// token or a link does not count, and nothing else is read as one.
func TestReadWithClutter(t *testing.T) {
	t.Parallel()
	l, err := invitation.NewLinker("https://kiwi.ki/I/", ring(t, lineA))
	must(t, err)
	token := l.Link(&invitation.Invitation{ID: someToken.InvitationID, Mailed: invitation.ChannelState{Generation: 7}}, invitation.Mailed).
		Reveal()[len("https://kiwi.ki/I/"):]
	read := func(text string) bool {
		got, err := l.Verify(text)
		return err == nil && got == someToken
	}
	spellings := []string{
		token, "https://kiwi.ki/I/" + token, "HTTPS://KIWI.KI/I/" + token, "Https://Kiwi.ki/I/" + token,
		"https://kiwi.ki/I/" + token + "?utm_source=x&y=/I/", "https://kiwi.ki/I/" + token + "#top", "https://kiwi.ki/I/" + token + "/?a#b",
		"https://kiwi.ki/I/" + token + ")?a",
	}
	for _, clutter := range [][2]string{
		{"", ""}, {" ", ""}, {"", " "}, {"\n", "\r\n"}, {"", "."}, {"", ")"}, {"(", ")."}, {"<", ">"}, {"[", "]"}, {"\"", "\","}, {"„", "“"}, {"«", "»"},
		{"'", "'"}, {"\u00a0", "\u00a0"}, {"\u200b", "\u200b"}, {"\ufeff", "\u2060"}, {"", "…"}, {"", "!"}, {"* ", "*"}, {"", "/"}, {"\u202a", "\u202c"}, {"👉 ", " 👈"},
		{"\x00", "\xff"}, {"\t", ",;:"},
	} {
		for _, text := range spellings {
			if around := clutter[0] + text + clutter[1]; !read(around) {
				t.Errorf("%q is not read", around)
			}
		}
	}
	for _, text := range []string{
		"x" + token, token + "x", "1 " + token, token + " x", "ä" + token, token + "ß", token[:20] + " " + token[20:], token[:20] + "\u200b" + token[20:],
		token + "?x", token + "#x", "I/" + token, "/I/" + token + "?x", "kiwi.ki/I/" + token, "//kiwi.ki/I/" + token,
		"http://kiwi.ki/I/" + token, "https://kiwi.ki/i/" + token, "https://kiwi.ki/" + token, "https://kiwi.ki/I" + token, "https://kiwi.ki/I//" + token,
		"https://kiwi.ki:443/I/" + token, "https://kiwi.ki.evil.example/I/" + token, "https://evil.example/I/" + token, "https://user@kiwi.ki/I/" + token,
		"https://evil.example/?u=https://kiwi.ki/I/" + token, "https://kiwi.ki/I/?t=" + token, "https://kiwi.ki/I/#" + token, "https://kiwi.ki/I/x/" + token,
		"https://kiwi.ki/I/" + token + "/x", "https://kiwi.ki/I/" + token + token, "https://\u212aiwi.\u212ai/I/" + token, "https:// kiwi.ki/I/" + token,
		"https://kiwi.ki/I/https://kiwi.ki/I/" + token, "Hier: https://kiwi.ki/I/" + token, "https://kiwi.ki/I/", "https://kiwi.ki", "https://kiwi.ki/I/" + token[:45],
		strings.ToUpper("https://kiwi.ki/I/" + token), strings.ToLower(token), strings.Repeat(" ", 1<<16), "",
	} {
		if got, err := l.Verify(text); err != invitation.ErrInvitationNotFound || got != (invitation.Token{}) {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
}
