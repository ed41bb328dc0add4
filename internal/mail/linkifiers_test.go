//go:build !fast

package mail_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// linkifiers are those that mail programs and chats on the web are built with.
var linkifiers = []string{"linkify-it@6.1.0", "autolinker@4.1.5", "linkifyjs@4.4.0", "tlds@1.261.0"}

// names are linkish ones and more of their kind: every way to write a host, with
// every sort of end, behind and before every sort of word.
func names() []string {
	all := append([]string{}, linkish...)
	hosts := []string{"evil", "Wohnen", "a-b", "müller", "правда", "x1", "dr"}
	ends := []string{"de", "com", "support", "zip", "рф", "berlin", "co.uk", "io", "app"}
	around := []string{"%s", "Haus %s GmbH", "(%s)", "»%s«", "%s/x", "%s?x=1", "%s:8080", "www.%s", "http://%s", "eve@%s", "x.%s", "%s.", "-%s"}
	for i, host := range hosts {
		for j, end := range ends {
			all = append(all, fmt.Sprintf(around[(i*len(ends)+j)%len(around)], host+"."+end))
		}
	}
	for _, frame := range around {
		all = append(all, fmt.Sprintf(frame, "evil.example.org"), fmt.Sprintf(frame, "192.0.2.1"), fmt.Sprintf(frame, "localhost"))
	}
	return all
}

// TestLinkifiersFindNothing: of a name nobody makes a link, whatever the name is,
// and the invitation's own link is found.
func TestLinkifiersFindNothing(t *testing.T) {
	t.Parallel()
	all := names()
	if len(all) < 150 {
		t.Fatalf("only %d names", len(all))
	}
	var texts []string
	for _, name := range all {
		m := sample(invitation.TargetApp, invitation.German)
		m.DisplayName = name
		m.Organization = invitation.Organization{Name: name, Contact: name, Imprint: []string{name}}
		message := render(t, m)
		texts = append(texts, message.Text, visibleText(t, message.HTML), message.Subject+"\n"+message.ToName)
	}
	for i, found := range linkify(t, texts) {
		name, own := all[i/3], 0
		for _, f := range found {
			switch _, what, _ := strings.Cut(f, ": "); {
			case what == link:
				own++
			case strings.HasPrefix(what, "localhost"): // leads nobody anywhere
			default:
				t.Errorf("%q: %s", name, f)
			}
		}
		if i%3 == 0 && own < 3 {
			t.Errorf("%q: %d linkifiers find the invitation's own link", name, own)
		}
	}
}

// linkify asks all linkifiers about each text.
func linkify(t *testing.T, texts []string) (found [][]string) {
	t.Helper()
	home, err := filepath.Abs(filepath.Join("..", "..", ".cache", "linkifiers"))
	if err != nil {
		t.Fatal(err)
	}
	install := exec.Command("npm", append([]string{"install", "--no-fund", "--no-audit", "--no-save", "--loglevel=error", "--prefix", home}, linkifiers...)...)
	if err := os.MkdirAll(home, 0o755); err != nil { //nolint:gosec // as the rest of .cache
		t.Fatal(err)
	}
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm: %v\n%s", err, out)
	}
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	script := exec.Command("node", "testdata/linkify.js", home)
	var complaint bytes.Buffer
	script.Stdin, script.Stderr = bytes.NewReader(input), &complaint
	out, err := script.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, complaint.String())
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	return found
}
