//go:build !fast && linux

package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// nobody is the image's user.
const nobody = 65532

// TestImage builds the image as it is released and starts it with nothing around
// it: a root of its own that it can't write to, and a user that is nobody.
func TestImage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary, image, root := filepath.Join(dir, "invitationd"), filepath.Join(dir, "image"), filepath.Join(dir, "root")
	build := exec.CommandContext(t.Context(), "../../deploy/supply/build.sh", binary)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pack := exec.CommandContext(t.Context(), "go", "run", "./image", "-binary", binary, "-sbom", "go.mod", "-out", image)
	pack.Dir = "../../internal/dev/tools"
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	unpack(t, image, root)

	w := newWorld(t, pgtest.Database(t))
	must(t, os.MkdirAll(filepath.Join(root, "run/secrets"), 0o755))
	keys, err := os.ReadFile(w.keys)
	must(t, err)
	mounted := filepath.Join(root, "run/secrets/keys")
	must(t, os.WriteFile(mounted, keys, 0o400))
	if os.Getuid() == 0 {
		must(t, os.Chown(mounted, nobody, nobody))
	}
	w.keys, w.wrap = "/run/secrets/keys", func(c *exec.Cmd) { inImage(c, root) }
	p := w.serve()
	w.env = append(w.env, "INVITATION_GRPC_ADDR="+p.addr)
	if out, err := w.health("live"); err != nil {
		t.Errorf("its health: %v\n%s", err, out)
	}
	_, err = p.CreateUser(t.Context(), newcomer("anna", pb.Invite_INVITE_NOW))
	must(t, err)
	w.mailedToken("anna@example.com")
	if err := p.signal(t, syscall.SIGTERM); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

// inImage has a command run in an unpacked image.
func inImage(c *exec.Cmd, root string) {
	c.Path, c.Args[0], c.Dir = "/invitationd", "/invitationd", "/"
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if os.Getuid() == 0 {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		return
	}
	c.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
	c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getuid(), Size: 1}}
	c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getgid(), Size: 1}}
}

type descriptor struct{ Digest string }

// unpack lays the layers of an image over one another.
func unpack(t *testing.T, image, root string) {
	t.Helper()
	var index struct{ Manifests []descriptor }
	var manifest struct{ Layers []descriptor }
	read := func(path string, into any) {
		text, err := os.ReadFile(filepath.Join(image, path))
		must(t, err)
		must(t, json.Unmarshal(text, into))
	}
	blob := func(d descriptor) string { return "blobs/" + strings.Replace(d.Digest, ":", "/", 1) }
	read("index.json", &index)
	read(blob(index.Manifests[0]), &manifest)
	must(t, os.Mkdir(root, 0o755))
	for _, layer := range manifest.Layers {
		file, err := os.Open(filepath.Join(image, blob(layer)))
		must(t, err)
		packed, err := gzip.NewReader(file)
		must(t, err)
		for files := tar.NewReader(packed); ; {
			header, err := files.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			must(t, err)
			unpackFile(t, filepath.Join(root, header.Name), header, files)
		}
		must(t, file.Close())
	}
}

func unpackFile(t *testing.T, to string, header *tar.Header, content io.Reader) {
	t.Helper()
	if header.Typeflag == tar.TypeDir {
		must(t, os.MkdirAll(to, 0o755))
		return
	}
	file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, header.FileInfo().Mode())
	must(t, err)
	_, err = io.Copy(file, content)
	must(t, err)
	must(t, file.Close())
}
