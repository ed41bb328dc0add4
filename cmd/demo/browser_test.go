//go:build !fast

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
)

// screen is how large a reader's screen is.
type screen struct {
	name          string
	width, height int64
}

var (
	phone   = screen{"phone", 390, 844}
	desktop = screen{"desktop", 1280, 900}
)

// onEveryScreen runs a walk on a phone and on a desktop.
func onEveryScreen(t *testing.T, walk func(*testing.T, *tab)) {
	t.Parallel()
	for _, s := range []screen{phone, desktop} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			walk(t, newTab(t, s))
		})
	}
}

// tab is a browser's with nothing remembered. What its pages complain of fails the
// test.
type tab struct {
	t      *testing.T
	ctx    context.Context
	screen screen

	pictures int
}

func newTab(t *testing.T, s screen) *tab {
	t.Helper()
	b := &tab{t: t, screen: s}
	var cancel context.CancelFunc
	b.ctx, cancel = chromedp.NewContext(chromium(), chromedp.WithNewBrowserContext())
	var heeding sync.WaitGroup
	t.Cleanup(heeding.Wait)
	t.Cleanup(cancel)
	context.AfterFunc(harness.Within(t), cancel)
	console := chromedp.Console(b.ctx)
	heeding.Go(func() { b.heed(console) })
	b.do(chromedp.EmulateViewport(s.width, s.height))
	_, err := chromedp.Call(b.ctx, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: "de-DE"})
	harness.Must(t, err)
	b.speak("de")
	return b
}

// speak sets the browser's language.
func (b *tab) speak(lang string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
		Headers: network.Headers{"Accept-Language": lang},
	})
	harness.Must(b.t, err)
}

// allowClipboard is what a reader answers when the browser asks.
func (b *tab) allowClipboard(origin string) {
	b.t.Helper()
	for _, permission := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission:       &browser.PermissionDescriptor{Name: permission},
			Setting:          browser.PermissionSettingGranted,
			Origin:           origin,
			BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
		})
		harness.Must(b.t, err)
	}
}

// heed fails the test on whatever a page complains of: scripts, the policy of
// contents, files that are not there. That a refusal's own page has the status of
// one is none.
func (b *tab) heed(console iter.Seq2[chromedp.ConsoleMessage, error]) {
	for message, err := range console {
		refusal := strings.HasPrefix(message.Text, "Failed to load resource") && path.Ext(message.URL) == ""
		if err == nil && !refusal && message.Type != chromedp.ConsoleLog {
			b.t.Errorf("%s: the page complains: %s: %s", b.screen.name, message.Type, message.Text)
		}
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.check(chromedp.Do(b.ctx, steps...))
}

func (b *tab) check(err error) {
	b.t.Helper()
	if err != nil {
		b.picture("failed")
		b.t.Fatalf("%s: %v\n%s", b.screen.name, err, b.text())
	}
}

func (b *tab) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
}

// text is all that the page shows.
func (b *tab) text() string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

// see waits until the page shows the text.
func (b *tab) see(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.do(chromedp.WaitReady(chromedp.JSPath(fmt.Sprintf("document.body.innerText.includes(%s) ? [document.body] : []", quoted(text)))))
	}
}

// unseen is for what a page must not show that is there already.
func (b *tab) unseen(text string) {
	b.t.Helper()
	if all := b.text(); strings.Contains(all, text) {
		b.t.Errorf("%s: the page shows %q:\n%s", b.screen.name, text, all)
	}
}

// clickable finds what has the text and can be clicked: in the open dialog, if there
// is one.
const clickable = `[...(document.querySelector("dialog:modal") ?? document.querySelector("main")).querySelectorAll("a, button, summary, label")]
	.filter((e) => e.checkVisibility() && e.innerText.trim().replace(/\s+/g, " ").startsWith(%s)).slice(0, 1)`

// click clicks on what has the text, as soon as it is there.
func (b *tab) click(text string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.JSPath(fmt.Sprintf(clickable, quoted(text)))))
}

// follow clicks on what leads to another page, and waits for that.
func (b *tab) follow(text string) {
	b.t.Helper()
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.JSPath(fmt.Sprintf(clickable, quoted(text)))))
	b.check(err)
}

// back goes back to the page before.
func (b *tab) back() {
	b.t.Helper()
	b.do(chromedp.NavigateBack())
}

// fill writes into the field with the label.
func (b *tab) fill(label, value string) {
	b.t.Helper()
	js := fmt.Sprintf(`[...(document.querySelector("dialog:modal") ?? document.querySelector("main")).querySelectorAll("label")]
		.filter((e) => e.checkVisibility() && e.innerText.trim().startsWith(%s)).map((e) => e.control).slice(0, 1)`, quoted(label))
	field := chromedp.JSPath(js)
	b.do(chromedp.WaitReady(field), chromedp.Evaluate[chromedp.Void](js+`[0].value = ""`), chromedp.SendKeys(field, value))
}

// choose chooses an option of a field by what the reader sees.
func (b *tab) choose(label, option string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](fmt.Sprintf(`(() => {
		const field = [...(document.querySelector("dialog:modal") ?? document.querySelector("main")).querySelectorAll("label")].find((e) => e.innerText.trim().startsWith(%s)).control
		field.value = [...field.options].find((o) => o.text.trim() === %s).value
		return field.dispatchEvent(new Event("change", {bubbles: true}))
	})()`, quoted(label), quoted(option))))
	harness.Must(b.t, err)
}

// entries are what the open dropdown offers.
func (b *tab) entries() []string {
	b.t.Helper()
	all, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll(".menu :is(a, button)")].map((e) => e.textContent.trim())`))
	harness.Must(b.t, err)
	return all
}

// clipboardText is what the reader would paste.
func (b *tab) clipboardText() string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
	harness.Must(b.t, err)
	return text
}

// clipboardImage is the same of an image.
func (b *tab) clipboardImage() []byte {
	b.t.Helper()
	return b.bytes(`(async () => {
		const [item] = await navigator.clipboard.read()
		return [...new Uint8Array(await (await item.getType("image/png")).arrayBuffer())]
	})()`)
}

// download is the file that the click leads to: by the link that is clicked, or the
// form that is sent.
func (b *tab) download(text string) []byte {
	b.t.Helper()
	return b.bytes(fmt.Sprintf(`(async () => {
		const [clicked] = %s
		const answer = clicked.form
			? await (await fetch(clicked.form.action, {method: "POST", body: new FormData(clicked.form, clicked)})).arrayBuffer()
			: Uint8Array.from(atob(clicked.href.split(",")[1]), (c) => c.charCodeAt(0)).buffer
		return [...new Uint8Array(answer)]
	})()`, fmt.Sprintf(clickable, quoted(text))))
}

func (b *tab) bytes(promise string) []byte {
	b.t.Helper()
	numbers, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]uint16](promise, chromedp.EvalAwaitPromise))
	harness.Must(b.t, err)
	bytes := make([]byte, len(numbers))
	for i, n := range numbers {
		bytes[i] = byte(n)
	}
	return bytes
}

// finding is something that keeps people from using a page.
type finding struct {
	ID, Impact, Help string
	Nodes            []string
}

// looked looks at the page as readers of all kinds do: axe finds nothing serious,
// nothing must be scrolled sideways, and `go test -artifacts` keeps a picture.
func (b *tab) looked(name string) {
	b.t.Helper()
	b.picture(name)
	b.do(chromedp.Evaluate[chromedp.Void](here.axe + ";undefined"))
	findings, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]finding](`axe.run().then((r) => r.violations.map((v) => (
		{id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map((n) => n.html + " " + n.failureSummary)})))`, chromedp.EvalAwaitPromise))
	harness.Must(b.t, err)
	for _, f := range findings {
		b.t.Errorf("%s, %s: %s (%s): %s", name, b.screen.name, f.ID, f.Impact, strings.Join(f.Nodes, "\n"))
	}
	width, err := chromedp.Run(b.ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
	harness.Must(b.t, err)
	if width > b.screen.width {
		b.t.Errorf("%s, %s: the page is %d pixels wide", name, b.screen.name, width)
	}
}

// picture keeps what the page looks like, for `go test -artifacts`.
func (b *tab) picture(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Logf("no picture: %v", err)
		return
	}
	b.pictures++
	file := filepath.Join(b.t.ArtifactDir(), fmt.Sprintf("%s-%02d %s.png", b.screen.name, b.pictures, name))
	harness.Must(b.t, os.WriteFile(file, png, 0o600))
}

func quoted(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}
