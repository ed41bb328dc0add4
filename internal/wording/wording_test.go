package wording_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/wording"
)

// TestLanguages holds the languages against the files of phrases.
func TestLanguages(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("phrases/*.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var written, languages []string
	for _, file := range files {
		written = append(written, strings.TrimSuffix(filepath.Base(file), ".tmpl"))
	}
	for _, l := range wording.Languages() {
		languages = append(languages, string(l.Name))
	}
	slices.Sort(written)
	slices.Sort(languages)
	if !slices.Equal(languages, written) {
		t.Errorf("phrases are written in %v, and languages are %v", written, languages)
	}
}
