package keyfile_test

import (
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/keyfile"
)

var must = harness.Must

// refused checks that there is an error, that it says why, and that it quotes
// no secret.
func refused(t testing.TB, err error, why string, secrets ...string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("got the error %v, want one with %q", err, why)
		return
	}
	for _, secret := range secrets {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error %q quotes a secret", err)
		}
	}
}

func newSecret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	return base64.StdEncoding.EncodeToString(raw)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

// newFolder makes a folder of files.
func newFolder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func load(t testing.TB, path string) *invitation.KeyRing {
	t.Helper()
	ring, err := keyfile.Load(path)
	must(t, err)
	return ring
}

// keys is what the ring at a path is for, as in "A verifies, B signs".
func keys(t testing.TB, path string) string {
	t.Helper()
	return describe(load(t, path))
}

func describe(ring *invitation.KeyRing) string {
	var all []string
	for _, k := range ring.Keys() {
		all = append(all, k.ID+" "+string(k.Use))
	}
	return strings.Join(all, ", ")
}

func wantKeys(t testing.TB, path, want string) {
	t.Helper()
	if got := keys(t, path); got != want {
		t.Errorf("the keys are %q, want %q", got, want)
	}
}

func someToken() invitation.Token {
	return invitation.Token{InvitationID: uuid.New(), Channel: invitation.Shared, Generation: 3}
}
