package keyfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/keyfile"
)

// mount is a volume as a kubelet writes it: links to files in a folder that the
// link "..data" points at, which is what it swaps.
type mount struct {
	t       testing.TB
	dir     string
	version int
}

func newMount(t testing.TB, files map[string]string) *mount {
	m := &mount{t: t, dir: t.TempDir()}
	m.update(files)
	return m
}

// update writes the next version, swaps it in and removes the one before.
func (m *mount) update(files map[string]string) {
	m.t.Helper()
	m.version++
	name := fmt.Sprintf("..version_%d", m.version)
	must(m.t, os.Mkdir(filepath.Join(m.dir, name), 0o755))
	for file, text := range files {
		write(m.t, filepath.Join(m.dir, name, file), text)
	}
	data, before := filepath.Join(m.dir, "..data"), ""
	if m.version > 1 {
		before = fmt.Sprintf("..version_%d", m.version-1)
	}
	must(m.t, os.Symlink(name, data+"_tmp"))
	must(m.t, os.Rename(data+"_tmp", data))
	for file := range files {
		link := filepath.Join(m.dir, file)
		if _, err := os.Lstat(link); err != nil {
			must(m.t, os.Symlink(filepath.Join("..data", file), link))
		}
	}
	m.removeLinks(files)
	if before != "" {
		must(m.t, os.RemoveAll(filepath.Join(m.dir, before)))
	}
}

func (m *mount) removeLinks(but map[string]string) {
	entries, err := os.ReadDir(m.dir)
	must(m.t, err)
	for _, e := range entries {
		if _, stays := but[e.Name()]; !stays && e.Name()[0] != '.' {
			must(m.t, os.Remove(filepath.Join(m.dir, e.Name())))
		}
	}
}

// TestMount: a mounted Secret is a folder of keys, or one key file in a folder.
func TestMount(t *testing.T) {
	t.Parallel()
	a, b := newSecret(), newSecret()
	m := newMount(t, map[string]string{"A": a, "signing": "A"})
	wantKeys(t, m.dir, "A signs")
	m.update(map[string]string{"A": a, "B": b, "signing": "B"})
	wantKeys(t, m.dir, "A verifies, B signs")
	m.update(map[string]string{"B": b, "signing": "B"})
	wantKeys(t, m.dir, "B signs")

	whole := newMount(t, map[string]string{"keys": "A " + a + "\n"})
	wantKeys(t, filepath.Join(whole.dir, "keys"), "A signs")
	whole.update(map[string]string{"keys": "A " + a + "\nB " + b + " next\n"})
	wantKeys(t, filepath.Join(whole.dir, "keys"), "A signs, B next")
}

// TestMountSwapped: what is read while a kubelet swaps folders and removes the
// old one is the whole of one of them.
func TestMountSwapped(t *testing.T) {
	t.Parallel()
	versions := []map[string]string{
		{"A": newSecret(), "B": newSecret(), "signing": "A"},
		{"A": newSecret(), "B": newSecret(), "signing": "B"},
	}
	m := newMount(t, versions[0])
	good := map[string]bool{}
	for _, files := range versions {
		m.update(files)
		good[prints(load(t, m.dir))] = true
	}
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			if ring, err := keyfile.Load(m.dir); err != nil || !good[prints(ring)] {
				t.Errorf("read %v, which is neither version: %v", ring, err)
				return
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for n := range 300 {
		m.update(versions[n%2])
	}
	close(done)
	reader.Wait()
}

// prints are the fingerprints of all keys.
func prints(ring *invitation.KeyRing) string {
	var all string
	for _, k := range ring.Keys() {
		all += k.Fingerprint + " "
	}
	return all
}
