package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMailPreview writes mails to files, and refuses what there is no mail for.
func TestMailPreview(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct{ file, says string }{
		{"app.html", "KIWI App aktivieren"},
		{"portal.txt", "Subject: Reminder: Invitation to the KIWI Portal"},
	} {
		out := filepath.Join(dir, c.file)
		args := []string{"-o", out}
		if c.file == "portal.txt" {
			args = append(args, "-locale", "en", "-target", "portal", "-reminder")
		}
		must(t, previewMail(args, os.Stderr))
		text, err := os.ReadFile(out)
		must(t, err)
		if !strings.Contains(string(text), c.says) {
			t.Errorf("%s does not say %q", c.file, c.says)
		}
	}
	for _, args := range [][]string{{"-target", "door"}, {"-o", filepath.Join(dir, "mail.pdf")}, {"mail.html"}} {
		if err := previewMail(args, os.Stderr); err == nil {
			t.Errorf("%v is no mail", args)
		}
	}
}
