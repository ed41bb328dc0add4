package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// keysSay runs `invitationd keys` and returns what it prints.
func keysSay(t testing.TB, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	must(t, manageKeys(args, &out, os.Stderr))
	return out.String()
}

// TestKeys goes through the life of keys, as people in operations do.
func TestKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	var printed strings.Builder
	for _, step := range []struct{ args, says, keys string }{
		{"add PATH", "A is the first key, and signs", "A signs"},
		{"add PATH", "keys promote " + path + " B", "A signs, B next"},
		{"promote PATH B", "B signs", "A verifies, B signs"},
		{"promote PATH B", "B signs", "A verifies, B signs"},
		{"retire -yes PATH A", "A is retired", "B signs"},
		{"add PATH", "C is known", "B signs, C next"},
		{"retire PATH C", "C is retired", "B signs"},
	} {
		says := keysSay(t, strings.Fields(strings.ReplaceAll(step.args, "PATH", path))...)
		if !strings.Contains(says, step.says) {
			t.Errorf("%s says %q, want %q", step.args, says, step.says)
		}
		list := keysSay(t, "list", path)
		if got := shortList.ReplaceAllString(strings.TrimSuffix(list, "\n"), "$1 $2"); strings.ReplaceAll(got, "\n", ", ") != step.keys {
			t.Errorf("after %s the list is %q, want %q", step.args, got, step.keys)
		}
		printed.WriteString(says + list)
		noSecrets(t, path, printed.String())
	}
}

var shortList = regexp.MustCompile(`(?m)^([A-Z2-7])  (\w+) *  [0-9a-f]{8}$`)

// noSecrets checks that no secret of the key file is in the text.
func noSecrets(t testing.TB, path, text string) {
	t.Helper()
	file, err := os.ReadFile(path)
	must(t, err)
	for _, line := range strings.Split(strings.TrimSpace(string(file)), "\n") {
		secret := strings.Fields(line)[1]
		raw, err := base64.StdEncoding.DecodeString(secret)
		must(t, err)
		if strings.Contains(text, secret[:12]) || strings.Contains(text, string(raw[:8])) {
			t.Error("a secret was printed")
		}
	}
}

// TestKeysRefused: what would kill links, or is no key, changes nothing.
func TestKeysRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	keysSay(t, "add", path)
	keysSay(t, "add", path)
	keysSay(t, "promote", path, "B")
	before, err := os.ReadFile(path)
	must(t, err)
	for args, why := range map[string]string{
		"":                     "usage",
		"list":                 "usage",
		"list PATH A":          "usage",
		"add":                  "usage",
		"add PATH A":           "usage",
		"promote PATH":         "usage",
		"retire PATH":          "usage",
		"remove PATH A":        "usage",
		"add -yes PATH":        "-yes",
		"retire PATH A":        "-yes",
		"retire -yes PATH B":   "promote another one first",
		"retire -yes PATH C":   "no key of that id",
		"promote PATH C":       "no key of that id",
		"list PATH.other":      "no such file",
		"promote PATH.other A": "no key",
	} {
		var out bytes.Buffer
		err := manageKeys(strings.Fields(strings.ReplaceAll(args, "PATH", path)), &out, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), why) || out.Len() > 0 {
			t.Errorf("keys %s: %v, %q; want an error with %q", args, err, &out, why)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file has changed, %v", err)
	}
}

// TestKeysAtOnce: people who add keys at the same time lose none.
func TestKeysAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	var people sync.WaitGroup
	for range 12 {
		people.Go(func() {
			if err := manageKeys([]string{"add", path}, &bytes.Buffer{}, os.Stderr); err != nil {
				t.Error(err)
			}
		})
	}
	people.Wait()
	if list := keysSay(t, "list", path); strings.Count(list, "\n") != 12 || strings.Count(list, "signs") != 1 {
		t.Errorf("the keys are %s", list)
	}
}
