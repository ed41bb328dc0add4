package invitation_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestRotation: the newest key signs, older ones still verify, and a key that
// was taken out of the file takes its links with it.
func TestRotation(t *testing.T) {
	t.Parallel()
	before, during, after := ring(t, lineA), ring(t, lineA, lineB), ring(t, lineB)
	old := before.Sign(someToken)
	if got, err := during.Verify(old); err != nil || got != someToken {
		t.Errorf("during the rotation an old link gives %+v, %v", got, err)
	}
	renewed := during.Sign(someToken)
	if renewed == old || renewed != after.Sign(someToken) {
		t.Errorf("%q was not signed by the newest key", renewed)
	}
	if got, err := after.Verify(renewed); err != nil || got != someToken {
		t.Errorf("after the rotation a new link gives %+v, %v", got, err)
	}
	notFound(t, after, old)
	notFound(t, before, renewed)

	// The order of the file decides which one is new, not that of the ids.
	if text := ring(t, lineB, lineA).Sign(someToken); text != old {
		t.Errorf("%q was not signed by the last key of the file", text)
	}
	// An id that is used again does not revive the links of its first key.
	reused := ring(t, "A"+lineB[1:])
	notFound(t, reused, old)
	notFound(t, reused, spell(withKey(number(t, renewed), 0)))
}

// TestEveryKeyID: each id signs and verifies, and all of them fit one ring.
func TestEveryKeyID(t *testing.T) {
	t.Parallel()
	var lines, texts []string
	for _, id := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") {
		line, err := invitation.NewKeyLine(id)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
		texts = append(texts, ring(t, line).Sign(someToken))
	}
	all := ring(t, lines...)
	for i, text := range texts {
		if id := number(t, text)[0] >> 3; int(id) != i {
			t.Errorf("a token of key %c names key %d", lines[i][0], id)
		}
		if got, err := all.Verify(text); err != nil || got != someToken {
			t.Errorf("key %c: %+v, %v", lines[i][0], got, err)
		}
	}
	for id := range 256 {
		if _, err := invitation.NewKeyLine(byte(id)); (err == nil) != strings.Contains("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", string([]byte{byte(id)})) {
			t.Errorf("NewKeyLine(%q): %v", byte(id), err)
		}
	}
}

func TestNewKeyLinesDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		line, err := invitation.NewKeyLine('K')
		if err != nil {
			t.Fatal(err)
		}
		if seen[line] {
			t.Fatal("the same key was drawn twice")
		}
		seen[line] = true
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	r := ring(t, "# keys of the test", "", "  "+lineA+"\r", "\t# older above", lineB, "")
	if text := r.Sign(someToken); text != ring(t, lineB).Sign(someToken) {
		t.Error("comments or blanks change what a key file says")
	}

	sixteen, fifteen := make([]byte, 32), make([]byte, 32)
	for i := range 32 {
		sixteen[i], fifteen[i] = byte(i%16), byte(i%15)
	}
	ring(t, "A "+base64.StdEncoding.EncodeToString(sixteen))

	secret := lineA[2:]
	for name, c := range map[string]struct{ file, says string }{
		"empty":             {"", "no key"},
		"comments only":     {"# A " + secret + "\n\n", "no key"},
		"all zero":          {"A " + base64.StdEncoding.EncodeToString(make([]byte, 32)), "line 1: the secret is not random"},
		"too few values":    {"A " + base64.StdEncoding.EncodeToString(fifteen), "not random"},
		"short":             {"A " + base64.StdEncoding.EncodeToString(sixteen[:31]), "31 bytes instead of 32"},
		"long":              {"A " + base64.StdEncoding.EncodeToString(append(sixteen, 1)), "33 bytes instead of 32"},
		"no secret":         {"A", "0 bytes"},
		"not base64":        {"A " + secret[:20] + "!" + secret[21:], "not base64"},
		"URL base64":        {"A " + strings.ReplaceAll(secret, "+", "-"), "not base64"},
		"unpadded":          {"A " + strings.TrimRight(secret, "="), "not base64"},
		"more on the line":  {lineA + " " + secret, "not base64"},
		"id in lower case":  {"a " + secret, "line 1: an id"},
		"id that is a 1":    {"1 " + secret, "an id"},
		"id of two":         {"AB " + secret, "an id"},
		"no id":             {secret, "an id"},
		"blank id":          {"= " + secret, "an id"},
		"id outside ASCII":  {"Ä " + secret, "an id"},
		"repeated id":       {lineA + "\nA" + lineB[1:], "line 2: the id is taken"},
		"repeated secret":   {lineA + "\n#\nC " + secret, "line 3: the same secret"},
		"repeated line":     {lineA + "\n" + lineA, "line 2"},
		"one bad among two": {lineA + "\nB " + secret[:40], "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := invitation.ParseKeyRing([]byte(c.file))
			if r != nil || err == nil {
				t.Fatalf("ParseKeyRing = %v, %v, want an error", r, err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
			for _, part := range []string{secret, secret[:20], secret[21:]} {
				if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), part) {
					t.Errorf("error %q quotes the secret", err)
				}
			}
		})
	}
}
