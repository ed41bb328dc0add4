package server_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestStatusesOfReasons holds the statuses that come with each reason, in the proto's
// brackets, against what the service answers and what README says.
func TestStatusesOfReasons(t *testing.T) {
	t.Parallel()
	said := statuses(t, "../../proto/kiwi/invitation/v1/error_reason.proto", `\[([A-Z_, ]+)\]\n +([A-Z_]+) = `)
	answered := statuses(t, "status.go", `codes\.(\w+), pb\.ErrorReason_([A-Z_]+)`)
	written := statuses(t, "../../README.md", "(?m)^\\| (`[A-Z_]+`.*?) \\|(.*?)\\|")
	for _, reason := range enumWords(pb.ErrorReason(0)) {
		if len(said[reason]) == 0 {
			t.Errorf("the comment of %s names no status in brackets", reason)
		}
		if !slices.Equal(said[reason], written[reason]) {
			t.Errorf("%s comes with %v, and README says %v", reason, said[reason], written[reason])
		}
		// What breaks a field's rule is answered elsewhere.
		if known := answered[reason]; len(known) > 0 && !slices.Equal(said[reason], known) {
			t.Errorf("%s comes with %v, and status.go answers %v", reason, said[reason], known)
		}
	}
}

// statuses finds pairs of statuses and reasons in a file, in order and each once.
func statuses(t *testing.T, file, pattern string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	all := map[string][]string{}
	name := regexp.MustCompile(`[A-Za-z_]+`)
	for _, pair := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		for _, reason := range name.FindAllString(pair[2], -1) {
			for _, status := range name.FindAllString(pair[1], -1) {
				all[reason] = append(all[reason], screaming(status))
			}
		}
	}
	for reason, found := range all {
		slices.Sort(found)
		all[reason] = slices.Compact(found)
	}
	return all
}

// screaming writes a code of Go as the other languages do.
func screaming(code string) string {
	if code == strings.ToUpper(code) {
		return code
	}
	upper := strings.ToUpper(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(code, "${1}_$2"))
	return strings.ReplaceAll(upper, "CANCELED", "CANCELLED")
}
