package keyfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/kiwi-ki/invitations/internal/keyfile"
)

// TestFilesRefused: what is weak, duplicate, unreadable or open to everybody is
// an error that says where, and nothing secret.
func TestFilesRefused(t *testing.T) {
	t.Parallel()
	a, b := newSecret(), newSecret()
	zero := strings.Repeat("A", 43) + "="
	for name, c := range map[string]struct{ text, why string }{
		"empty":        {"", "no key"},
		"weak":         {"A " + a + "\nB " + zero, "line 2: the secret is not random"},
		"short":        {"A " + a[:40], "line 1"},
		"same secret":  {"A " + a + "\nB " + a, "line 2: the same secret"},
		"same id":      {"A " + a + "\nA " + b, "line 2: the id is taken"},
		"none signs":   {"A " + a + " next\nB " + b + " next", "no key of the key file signs"},
		"unknown mark": {"A " + a + "\nB " + b + " soon", "line 2"},
		"too large":    {"A " + a + "\n" + strings.Repeat("#", 64<<10-len(a)-2), "65537 bytes: that is no key file"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys")
			write(t, path, c.text)
			_, err := keyfile.Load(path)
			refused(t, err, c.why, a, b, zero, a[:40])
		})
	}
	largest := filepath.Join(t.TempDir(), "keys")
	write(t, largest, "A "+a+"\n"+strings.Repeat("#", 64<<10-len(a)-3))
	_, err := keyfile.Load(largest)
	must(t, err)
	_, err = keyfile.Load(filepath.Join(t.TempDir(), "nowhere"))
	refused(t, err, "no such file")
	pipe := filepath.Join(t.TempDir(), "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	_, err = keyfile.Load(pipe)
	refused(t, err, "no regular file")
}

// TestMode: the group may read keys, as a pod's fsGroup does; others may not.
func TestMode(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys")
	write(t, file, "A "+newSecret())
	folder := newFolder(t, map[string]string{"A": newSecret(), "signing": "A"})
	for mode, fine := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o440: true, 0o640: true, 0o660: true, 0o644: false, 0o604: false, 0o602: false, 0o666: false,
	} {
		for path, changed := range map[string]string{file: file, folder: filepath.Join(folder, "A")} {
			must(t, os.Chmod(changed, mode))
			if _, err := keyfile.Load(path); (err == nil) != fine {
				t.Errorf("%s with mode %o: %v", path, mode, err)
			}
		}
	}
}

// TestFolder: a file for each key, and one that says which signs.
func TestFolder(t *testing.T) {
	t.Parallel()
	a, b := newSecret(), newSecret()
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"one key":         {map[string]string{"A": a, "signing": "A"}, "A signs"},
		"line ends":       {map[string]string{"A": a + "\n", "signing": " A\r\n"}, "A signs"},
		"the older signs": {map[string]string{"A": a, "B": b, "signing": "A"}, "B verifies, A signs"},
		"the newer signs": {map[string]string{"A": a, "B": b, "signing": "B"}, "A verifies, B signs"},
		"hidden by dots":  {map[string]string{"A": a, "signing": "A", "..version": "junk"}, "A signs"},
	} {
		t.Run(name, func(t *testing.T) {
			wantKeys(t, newFolder(t, c.files), c.want)
		})
	}
	for name, c := range map[string]struct {
		files map[string]string
		why   string
	}{
		"empty":             {nil, `no file "signing"`},
		"nothing signs":     {map[string]string{"A": a}, `no file "signing"`},
		"two sign":          {map[string]string{"A": a, "B": b, "signing": "A B"}, "one word"},
		"a stranger signs":  {map[string]string{"A": a, "signing": "B"}, "does not hold the id of a key"},
		"signing itself":    {map[string]string{"A": a, "signing": "signing"}, "does not hold the id of a key"},
		"junk":              {map[string]string{"A": a, "signing": "A", "README": "x"}, `"README" is no key`},
		"a backup":          {map[string]string{"A": a, "signing": "A", "A~": a}, `"A~" is no key`},
		"hidden by one dot": {map[string]string{"A": a, "signing": "A", ".B": b}, `".B" is no key`},
		"wrong id":          {map[string]string{"A": a, "signing": "A", "b": b}, "file b: an id is one character"},
		"weak":              {map[string]string{"A": a, "signing": "A", "B": strings.Repeat("A", 43) + "="}, "file B: the secret is not random"},
		"duplicate":         {map[string]string{"A": a, "signing": "A", "B": a}, "file A: the same secret"},
		"a key file":        {map[string]string{"A": "A " + a, "signing": "A"}, "one word"},
		"empty key":         {map[string]string{"A": a, "signing": "A", "B": ""}, "one word"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := keyfile.Load(newFolder(t, c.files))
			refused(t, err, c.why, a, b)
		})
	}
	dir := newFolder(t, map[string]string{"A": a, "signing": "A"})
	must(t, os.Mkdir(filepath.Join(dir, "B"), 0o700))
	_, err := keyfile.Load(dir)
	refused(t, err, "no regular file")
}
