package mail_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

//go:embed testdata/measure.js
var measureScript string

// view is one mail on one screen.
type view struct {
	Name   string `json:"name"`
	HTML   string `json:"html"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Scheme string `json:"scheme"`
}

// rect is in CSS pixels.
type rect struct{ Left, Top, Width, Height float64 }

// seen is what testdata/measure.js measures of a view.
type seen struct {
	Name                string
	Dark                bool
	Page                float64 // luminance, from 0 to 1
	Viewport            float64
	ScrollWidth         float64
	ScrollHeight        float64
	Rightmost           float64
	Card, Button, Frame rect
	ButtonColor         [3]uint8
	Texts               []struct {
		Text           string
		Size, Contrast float64
	}
	Loaded []string
}

// TestScreenshots looks at every mail in a browser, on a phone, a small phone
// and a desktop, in a light and in a dark colour scheme, and at the mail with
// the widest names. With -artifacts, go test keeps the page and the picture.
func TestScreenshots(t *testing.T) {
	t.Parallel()
	views := allViews(t)
	dir := t.ArtifactDir()
	page := filepath.Join(dir, "mails.html")
	picture := filepath.Join(dir, "mails.png")
	cases, err := json.Marshal(views) // escapes what would end the script
	if err != nil {
		t.Fatal(err)
	}
	document := fmt.Sprintf(`<!DOCTYPE html><meta charset="utf-8"><body style="margin:0"><pre id="report" hidden></pre>`+
		`<div id="frames"></div><script>const cases = %s;</script><script>%s</script>`, cases, measureScript)
	if err := os.WriteFile(page, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	dom := browse(t, page, picture, sheetWidth, sheetHeight)
	var all []seen
	if err := json.Unmarshal([]byte(textOf(t, dom, "report")), &all); err != nil {
		t.Fatalf("no report in the page: %v\n%.2000s", err, dom)
	}
	if len(all) != len(views) {
		t.Fatalf("%d of %d views were measured", len(all), len(views))
	}
	pixels := decode(t, picture)
	for i, s := range all {
		checkView(t, s, views[i])
		checkPixels(t, s, pixels)
	}
}

// screen is how wide a reader's screen is, and how long a mail may get on it.
type screen struct{ width, height int }

var (
	smallPhone = screen{320, 2100}
	phone      = screen{390, 1700}
	desktop    = screen{1024, 1350}
)

// The sheet has five rows with a mail on two desktops (light and dark), and
// three with the phones, the small ones in the last.
const (
	sheetWidth  = 2 * 1024
	sheetHeight = 9*1350 + 6*1700 + 2100 + (1350+1700+2100)*3/5
)

// allViews go onto the sheet in this order, in rows.
func allViews(t *testing.T) []view {
	t.Helper()
	widest := sample(invitation.TargetApp, invitation.German)
	widest.DisplayName = strings.Repeat("W", 64) + strings.Repeat(" Wohnbau", 17)
	widest.Organization.Name = strings.Repeat("M", 64) + strings.Repeat(" Wohnbau", 17)
	mails := samples()
	mails["widest"] = widest
	names := slices.Sorted(maps.Keys(mails))
	var views []view
	for _, on := range []screen{desktop, phone, smallPhone} {
		for _, name := range names {
			if on == smallPhone && name != "widest" {
				continue
			}
			height := on.height
			if name == "widest" {
				height = height * 8 / 5
			}
			html := render(t, mails[name]).HTML
			for _, scheme := range []string{"light", "dark"} {
				views = append(views, view{fmt.Sprintf("%s, %s, %d px", name, scheme, on.width), html, on.width, height, scheme})
			}
		}
	}
	return views
}

func checkView(t *testing.T, s seen, v view) {
	t.Helper()
	if s.Name != v.Name || s.Dark != (v.Scheme == "dark") || s.Viewport != float64(v.Width) {
		t.Fatalf("%s: shown as %s, dark %v, %v px wide", v.Name, s.Name, s.Dark, s.Viewport)
	}
	if s.Dark && s.Page > 0.05 || !s.Dark && s.Page < 0.7 {
		t.Errorf("%s: the page has luminance %.2f", v.Name, s.Page)
	}
	if s.ScrollWidth > s.Viewport || s.Rightmost > s.Viewport {
		t.Errorf("%s: must be scrolled sideways: %v, up to %v", v.Name, s.ScrollWidth, s.Rightmost)
	}
	if s.ScrollHeight > float64(v.Height) {
		t.Errorf("%s: is %v px long", v.Name, s.ScrollHeight)
	}
	if s.Card.Width > 600 {
		t.Errorf("%s: the card is %v px wide", v.Name, s.Card.Width)
	}
	if s.Button.Height < 44 || s.Button.Width < 200 || v.Width < 600 && s.Button.Width < s.Viewport-80 {
		t.Errorf("%s: the button has %v×%v px", v.Name, s.Button.Width, s.Button.Height)
	}
	if len(s.Texts) < 12 {
		t.Errorf("%s: only %d texts are shown", v.Name, len(s.Texts))
	}
	for _, text := range s.Texts {
		if text.Size < 16 || text.Contrast < 4.5 {
			t.Errorf("%s: %q has %v px and a contrast of %.2f", v.Name, text.Text, text.Size, text.Contrast)
		}
	}
	if len(s.Loaded) > 0 {
		t.Errorf("%s: loads %v", v.Name, s.Loaded)
	}
}

// checkPixels wants the button where it was measured, in the colour it was
// said to have: the figures are of what is painted.
func checkPixels(t *testing.T, s seen, pixels image.Image) {
	t.Helper()
	x := int(s.Frame.Left + s.Button.Left + 16)
	y := int(s.Frame.Top + s.Button.Top + s.Button.Height/2)
	if !image.Pt(x, y).In(pixels.Bounds()) {
		t.Errorf("%s: the button at %d, %d is outside of the picture", s.Name, x, y)
		return
	}
	want := color.RGBA{s.ButtonColor[0], s.ButtonColor[1], s.ButtonColor[2], 255}
	if got := color.RGBAModel.Convert(pixels.At(x, y)); got != want {
		t.Errorf("%s: the button is painted %v, want %v", s.Name, got, want)
	}
}

func decode(t *testing.T, path string) image.Image {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// textOf is the text of the element with an id.
func textOf(t *testing.T, document, id string) string {
	t.Helper()
	for n := range parse(t, document).Descendants() {
		for _, a := range n.Attr {
			if n.Type == html.ElementNode && a.Key == "id" && a.Val == id && n.FirstChild != nil {
				return n.FirstChild.Data
			}
		}
	}
	return ""
}
