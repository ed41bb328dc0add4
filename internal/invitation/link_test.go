package invitation_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestLink: a link is the base and the token of the current generation, all of
// it in the characters of a QR code's alphanumeric mode and short enough.
func TestLink(t *testing.T) {
	t.Parallel()
	alphanumeric := regexp.MustCompile(`^[0-9A-Z $%*+./:-]{1,84}$`)
	r := ring(t, lineA)
	inv := &invitation.Invitation{
		ID: someToken.InvitationID, Mailed: invitation.ChannelState{Generation: 7, Open: true}, Shared: invitation.ChannelState{Generation: 3},
	}
	for base, want := range map[string]string{
		"https://app.kiwi.example/I/":  "https://app.kiwi.example/I/",
		"https://app.kiwi.example/i":   "https://app.kiwi.example/i/",
		"https://app.kiwi.example/":    "https://app.kiwi.example/",
		"http://localhost:8080/I/":     "http://localhost:8080/I/",
		"HTTPS://KIWI.KI/A.B/C-D/":     "HTTPS://KIWI.KI/A.B/C-D/",
		"https://" + longest[8:] + "/": longest + "/",
		longest:                        longest + "/",
	} {
		l, err := invitation.NewLinker(base, r)
		if err != nil {
			t.Errorf("NewLinker(%q): %v", base, err)
			continue
		}
		for channel, generation := range map[invitation.Channel]int{invitation.Mailed: 7, invitation.Shared: 3} {
			link := l.Link(inv, channel).Reveal()
			token, found := strings.CutPrefix(link, want)
			if !found || !alphanumeric.MatchString(strings.ToUpper(link)) {
				t.Errorf("a link below %q is %q", base, link)
			}
			got, err := l.Verify(token)
			if err != nil || got != (invitation.Token{InvitationID: inv.ID, Channel: channel, Generation: generation}) {
				t.Errorf("the link's token is %+v, %v", got, err)
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
		"https://kiwi.ki/I/#t=", "https://kiwi.ki/i_v/", "https://kiwi.ki/~i/", "https://kiwi.ki/%49/", "https://kiwi.ki/i+/",
		"https://kiwi.ki/ i/", "https://kiwi.ki/I/\n", "\nhttps://kiwi.ki/I/", " https://kiwi.ki/I/", "https://müller.de/I/",
		"https://kiwi.ki/ß/", "https://[::1]/I/", "https://kiwi.ki:port/I/", "https://kiwi.ki\\I\\", "https://kiwi.ki/I/\x00",
		longest + "4", longest + "4/",
	} {
		if l, err := invitation.NewLinker(base, r); err == nil {
			t.Errorf("NewLinker(%q) takes it, for links like %s", base, l.Link(&invitation.Invitation{}, invitation.Shared).Reveal())
		} else if base != "" && strings.Contains(err.Error(), base) && strings.Contains(base, "@") {
			t.Errorf("the error %q quotes a password", err)
		}
	}
}
