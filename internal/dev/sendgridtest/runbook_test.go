package sendgridtest

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestRunbook: whoever meets an answer finds it, and its words, in the runbook.
func TestRunbook(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[int][]string{} // what is said of a status
	for _, row := range regexp.MustCompile(`(?m)^\| ([0-9, ]+) \|([^|]*)\|`).FindAllStringSubmatch(string(text), -1) {
		for status := range strings.SplitSeq(row[1], ", ") {
			code, _ := strconv.Atoi(status)
			rows[code] = append(rows[code], strings.TrimSpace(row[2]))
		}
	}
	for _, kind := range faultKinds {
		status, body := kind.answer.Status, kind.answer.Body
		if status == 0 {
			continue
		}
		told := slices.ContainsFunc(rows[status], func(words string) bool {
			return words == "" || strings.Contains(body, words) || strings.HasPrefix(body, "<html>") && strings.HasPrefix(words, "HTML")
		})
		if !told {
			t.Errorf("%s: deploy/README.md has no row for %d %s", kind.Fault, status, body)
		}
	}
}
