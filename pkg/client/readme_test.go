package client_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadme: what the README shows of the client is taken from the examples, which
// compile and are run.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(shown) < 2 {
		t.Errorf("the README shows %d pieces of Go", len(shown))
	}
	flat := strings.Join(strings.Fields(string(examples)), " ")
	for _, piece := range shown {
		if !strings.Contains(flat, strings.Join(strings.Fields(piece[1]), " ")) {
			t.Errorf("no example has\n%s", piece[1])
		}
	}
}
