package keyfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/kiwi-ki/invitations/internal/keyfile"
)

func add(t testing.TB, path string) string {
	t.Helper()
	k, err := keyfile.Add(path)
	must(t, err)
	return k.ID
}

// TestRotate goes through the life of keys, and through its file.
func TestRotate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	step := func(want string, err error) {
		t.Helper()
		must(t, err)
		wantKeys(t, path, want)
	}
	first, err := keyfile.Add(path)
	step("A signs", err)
	if first != load(t, path).Keys()[0] {
		t.Errorf("added %v", first)
	}
	second, err := keyfile.Add(path)
	step("A signs, B next", err)
	if second != load(t, path).Keys()[1] || second.Fingerprint == first.Fingerprint {
		t.Errorf("added %v and %v", first, second)
	}
	step("A verifies, B signs", keyfile.Promote(path, "B"))
	step("A verifies, B signs", keyfile.Promote(path, "B"))
	step("B verifies, A signs", keyfile.Promote(path, "A")) // back
	step("A verifies, B signs", keyfile.Promote(path, "B"))
	add(t, path)
	step("A verifies, B signs, C next", nil)
	step("A verifies, B signs", keyfile.Retire(path, "C", false))
	add(t, path)
	step("B signs, C next", keyfile.Retire(path, "A", true))
	add(t, path)
	step("B verifies, C next, D signs", keyfile.Promote(path, "D"))
	step("B verifies, D verifies, C signs", keyfile.Promote(path, "C"))
}

// TestAddSkipsTaken: the id behind that of the last key may be another's.
func TestAddSkipsTaken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	write(t, path, "B "+newSecret()+"\nA "+newSecret()+" next\n")
	if id := add(t, path); id != "C" {
		t.Errorf("the new key is %s", id)
	}
}

// TestRetireRefused: the signing key stays, and one that has signed goes only
// when told twice.
func TestRetireRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	add(t, path)
	for _, evenIfItSigned := range []bool{false, true} {
		if err := keyfile.Retire(path, "A", evenIfItSigned); !errors.Is(err, keyfile.ErrSigns) {
			t.Errorf("the only key: %v", err)
		}
	}
	add(t, path)
	must(t, keyfile.Promote(path, "B"))
	if err := keyfile.Retire(path, "A", false); !errors.Is(err, keyfile.ErrHasSigned) {
		t.Errorf("the key before: %v", err)
	}
	for _, id := range []string{"C", "", "#", "AB", "next"} {
		if err := keyfile.Retire(path, id, true); !errors.Is(err, keyfile.ErrNoSuchKey) {
			t.Errorf("retire %q: %v", id, err)
		}
		if err := keyfile.Promote(path, id); !errors.Is(err, keyfile.ErrNoSuchKey) {
			t.Errorf("promote %q: %v", id, err)
		}
	}
	wantKeys(t, path, "A verifies, B signs")
}

// TestEditKeeps: comments, other lines, the mode and a link to the file stay.
func TestEditKeeps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "keys"), filepath.Join(t.TempDir(), "link")
	lineA, lineC := "A "+newSecret(), "C "+newSecret()
	write(t, path, "# ours\n\n  "+lineA+"\r\n# C is the spare\n"+lineC+"  next")
	must(t, os.Chmod(path, 0o640))
	must(t, os.Symlink(path, link))
	if id := add(t, link); id != "D" {
		t.Errorf("the key after C is %s", id)
	}
	must(t, keyfile.Promote(link, "C"))
	text, err := os.ReadFile(path)
	must(t, err)
	lines := strings.Split(string(text), "\n")
	if len(lines) != 7 || lines[0] != "# ours" || lines[2] != "  "+lineA+"\r" || lines[3] != "# C is the spare" || lines[5] != lineC || lines[6] != "" {
		t.Errorf("the file is now %q", lines)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("the file is now %v, %v", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is now %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("beside the file there is %v, %v", left, err)
	}
}

// TestEditRefused: what is broken or no file of ours stays as it is.
func TestEditRefused(t *testing.T) {
	t.Parallel()
	secret := newSecret()
	for name, c := range map[string]struct {
		text, why string
		mode      os.FileMode
	}{
		"broken":            {"A " + secret + "\nB", "line 2", 0o600},
		"open to everybody": {"A " + secret + "\n", "open to everybody", 0o644},
		"none signs":        {"A " + secret + " next\n", "no key of the key file signs", 0o600},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys")
			write(t, path, c.text)
			must(t, os.Chmod(path, c.mode))
			_, err := keyfile.Add(path)
			for _, err := range []error{err, keyfile.Promote(path, "A"), keyfile.Retire(path, "A", true)} {
				refused(t, err, c.why, secret)
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != c.text {
				t.Errorf("the file is now %q, %v", text, err)
			}
		})
	}
	_, err := keyfile.Add(newFolder(t, map[string]string{"A": secret, "signing": "A"}))
	refused(t, err, "is a folder")
	_, err = keyfile.Add(filepath.Join(t.TempDir(), "nowhere", "keys"))
	refused(t, err, "no such file")
}

// TestNewFile: a file that is made is its owner's alone, and one of comments is
// as good as none.
func TestNewFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	for _, err := range []error{keyfile.Promote(path, "A"), keyfile.Retire(path, "A", true)} {
		refused(t, err, "no key")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a file was made for nothing")
	}
	add(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	write(t, path, "# keys of links\n")
	add(t, path)
	wantKeys(t, path, "A signs")
	if text, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(text), "# keys of links\nA ") {
		t.Errorf("the file is %q, %v", text, err)
	}
}

// TestConcurrentAdds: all at once lose no key, nobody who reads meanwhile finds
// the file broken, and the 33rd key is refused.
func TestConcurrentAdds(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	add(t, path)
	done := make(chan struct{})
	var reader, writers sync.WaitGroup
	reader.Go(func() {
		for n := 0; ; {
			ring, err := keyfile.Load(path)
			if err != nil || len(ring.Keys()) < n {
				t.Errorf("read %v, %v after %d keys", ring.Keys(), err, n)
				return
			}
			n = len(ring.Keys())
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for range 31 {
		writers.Go(func() {
			if _, err := keyfile.Add(path); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	close(done)
	reader.Wait()
	want := "A signs, B next, C next, D next, E next, F next, G next, H next, I next, J next, K next, L next, M next, N next, O next, P next, " +
		"Q next, R next, S next, T next, U next, V next, W next, X next, Y next, Z next, 2 next, 3 next, 4 next, 5 next, 6 next, 7 next"
	wantKeys(t, path, want)
	_, err := keyfile.Add(path)
	refused(t, err, "every id is taken")
	must(t, keyfile.Retire(path, "C", false))
	if id := add(t, path); id != "C" {
		t.Errorf("the free id is C, not %s", id)
	}
}

// FuzzEdit: whatever file is taken, every edit leaves one that is taken too, in
// which all other keys are what they were.
func FuzzEdit(f *testing.F) {
	a, b := "A "+newSecret(), "7 "+newSecret()
	for _, seed := range []string{"", "#\n", a, a + "\n" + b, a + " next\n" + b, a + "\n" + b + " next\n", "\n \n" + a + "\r\n\t# A\n" + b + "  next \n\n", "A next", "A"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "keys")
		write(t, path, text)
		before, err := keyfile.Load(path)
		if err != nil {
			return
		}
		var links []string
		for _, k := range before.Keys() {
			must(t, keyfile.Promote(path, k.ID))
			ring, token := load(t, path), someToken()
			link := ring.Sign(token)
			if keyOf(link) != k.ID || len(ring.Keys()) != len(before.Keys()) {
				t.Fatalf("promoted %s, and the keys are %q", k.ID, describe(ring))
			}
			links = append(links, link)
		}
		if len(before.Keys()) < 32 {
			added := add(t, path)
			must(t, keyfile.Promote(path, added))
			must(t, keyfile.Retire(path, before.Keys()[0].ID, true))
		}
		after := load(t, path)
		for i, link := range links {
			if _, err := after.Verify(link); (err == nil) != (i > 0 || len(links) == 32) {
				t.Fatalf("the link %d gives %v with the keys %q", i, err, describe(after))
			}
		}
	})
}
