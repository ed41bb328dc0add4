package layout_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
)

// TestEveryTargetHasHelp: `make help` lists what has a line for it.
func TestEveryTargetHasHelp(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../Makefile")
	harness.Must(t, err)
	targets := regexp.MustCompile(`(?m)^\.PHONY: (\S+)$`).FindAllSubmatch(text, -1)
	if len(targets) < 10 {
		t.Fatalf("there are only the targets %q", targets)
	}
	for _, target := range targets {
		if !regexp.MustCompile(`(?m)^` + string(target[1]) + `:.* ## \S`).Match(text) {
			t.Errorf("the target %q has no help behind ##", target[1])
		}
	}
}
