package mail_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/wording"
)

// hostile are names that no client should be able to store. Rendering them
// must be harmless all the same.
var hostile = []string{
	"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "'onmouseover='alert(1)", "</title></style><b>", "<!-- x", "]]>", "<![endif]-->",
	"{{.Link}}", "{{template \"html\" .}}", "%s%d%!", "&lt;b&gt;&#x22;", "javascript:alert(1)", "a\r\nBcc: eve@evil.example\r\n\r\nbody", "a\nb\n\n\n- c",
	"a\u2028b\u2029c\vd\fe\x00f\x1bg\u0085h", "\u202egpj.exe", "\u2066\u200f\u200b\ufeffx", "محمد علي", strings.Repeat("ü", 5000), strings.Repeat("W", 200),
	strings.Repeat("a ", 3000), "\xff\xfe\xc3", "Z" + strings.Repeat("\u0333", 60), " \t\n ", "=?utf-8?q?Bcc?=", "evil.example/x", "-- \nx",
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	want := shape(t, render(t, sample(invitation.TargetApp, invitation.German)).HTML)
	for _, name := range hostile {
		for _, language := range wording.Languages() {
			m := sample(invitation.TargetApp, language.Name)
			m.DisplayName = name
			if strings.TrimSpace(name) != "" {
				m.Organization = invitation.Organization{Name: name, Contact: name, Imprint: []string{name, name, name}}
			}
			message := render(t, m)
			for what, line := range map[string]string{"subject": message.Subject, "recipient's name": message.ToName} {
				if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) || len([]rune(line)) > 120 {
					t.Errorf("%q as the %s: %q", name, what, line)
				}
			}
			if strings.ContainsFunc(message.Text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
				t.Errorf("%q has brought control characters into the text:\n%q", name, message.Text)
			}
			if paragraphs := strings.Count(message.Text, "\n\n"); paragraphs != 9 {
				t.Errorf("%q has made %d paragraphs of the text:\n%s", name, paragraphs, message.Text)
			}
			if got := shape(t, message.HTML); strings.TrimSpace(name) != "" && !slices.Equal(got, want) {
				t.Errorf("%q has changed the elements of the HTML:\n%v\nwant\n%v", name, got, want)
			}
			checkHTML(t, message.HTML)
		}
	}
}

func TestHTMLIsWellFormed(t *testing.T) {
	t.Parallel()
	for name, m := range samples() {
		html := render(t, m).HTML
		checkHTML(t, html)
		if !strings.Contains(html, `<html lang="`+string(m.Language)+`"`) {
			t.Errorf("%s: no language", name)
		}
	}
}

// checkHTML wants every element closed in its order, only harmless elements
// and attributes, every table for layout only, and every href to be the link.
func checkHTML(t *testing.T, document string) {
	t.Helper()
	void := []string{"meta", "br", "hr"}
	harmless := []string{"html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td", "h1", "h2", "p", "a", "strong", "bdi", "span"}
	var open []string
	links := 0
	for tokens := html.NewTokenizer(strings.NewReader(document)); ; {
		switch tokens.Next() {
		case html.ErrorToken:
			if !errors.Is(tokens.Err(), io.EOF) {
				t.Error(tokens.Err())
			}
			if len(open) > 0 || links != 2 {
				t.Errorf("not closed: %v; %d links", open, links)
			}
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			if !slices.Contains(harmless, token.Data) {
				t.Errorf("element %s", token.Data)
			}
			if !slices.Contains(void, token.Data) {
				open = append(open, token.Data)
			}
			if token.Data == "table" && attribute(token, "role") != "presentation" {
				t.Errorf("a table without a role: %v", token)
			}
			for _, a := range token.Attr {
				switch {
				case a.Key == "href" && a.Val == link:
					links++
				case a.Key == "href" || a.Key == "src" || a.Key == "background" || strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "url("):
					t.Errorf("%s has %s=%q", token.Data, a.Key, a.Val)
				}
			}
		case html.EndTagToken:
			token := tokens.Token()
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("</%s> closes %v", token.Data, open)
			}
			open = open[:len(open)-1]
		}
	}
}

func attribute(token html.Token, key string) string {
	for _, a := range token.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// shape is the elements of a document as a browser builds it, in their order.
func shape(t *testing.T, document string) []string {
	t.Helper()
	var elements []string
	for n := range parse(t, document).Descendants() {
		if n.Type == html.ElementNode {
			elements = append(elements, n.Data)
		}
	}
	return elements
}

// visibleText is what a reader sees of a document: neither its head nor the
// preheader.
func visibleText(t *testing.T, document string) string {
	t.Helper()
	var words []string
	for n := range parse(t, document).Descendants() {
		if n.Type == html.TextNode && !hidden(n) {
			words = append(words, n.Data)
		}
	}
	return strings.Join(strings.Fields(strings.Join(words, "")), " ")
}

func hidden(n *html.Node) bool {
	for parent := range n.Ancestors() {
		if parent.Data == "head" {
			return true
		}
		for _, a := range parent.Attr {
			if a.Key == "style" && strings.Contains(a.Val, "display:none") {
				return true
			}
		}
	}
	return false
}

func parse(t *testing.T, document string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return root
}
