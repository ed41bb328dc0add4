package qr

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
)

func TestSVGDocument(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, MinSize, 301, MaxSize} {
		file, err := SVG(textOf(typical), Options{Size: size})
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
			Width   int      `xml:"width,attr"`
			Height  int      `xml:"height,attr"`
			ViewBox string   `xml:"viewBox,attr"`
		}
		if err := xml.Unmarshal(file, &doc); err != nil {
			t.Fatal(err)
		}
		if size == 0 {
			size = DefaultSize
		}
		box := fmt.Sprintf("0 0 %d %d", size, size)
		if doc.Width != size || doc.Height != size || doc.ViewBox != box {
			t.Errorf("size %d: %d × %d, viewBox %q", size, doc.Width, doc.Height, doc.ViewBox)
		}
	}
}

func TestSVGColorsAndMark(t *testing.T) {
	t.Parallel()
	red, err := ParseColor("#c00000")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		opts     Options
		has, not []string
	}{
		{Options{}, []string{"#1a5632", "#7ab929"}, []string{"#c00000"}},
		{Options{Color: red}, []string{"#c00000", "#1a5632", "#7ab929"}, nil},
		{Options{Color: red, Mark: MarkNone}, []string{"#c00000"}, []string{"#1a5632", "#7ab929"}},
	} {
		file, err := SVG(textOf(typical), tt.opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range tt.has {
			if !strings.Contains(string(file), s) {
				t.Errorf("%+v: no %s", tt.opts, s)
			}
		}
		for _, s := range tt.not {
			if strings.Contains(string(file), s) {
				t.Errorf("%+v: has %s", tt.opts, s)
			}
		}
	}
}
