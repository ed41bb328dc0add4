package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// TestImage: an engine takes it, it runs as nobody, and the same files make the
// same image. That it starts is tested where the service is (cmd/invitationd).
func TestImage(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options{binary: file, sbom: file, cas: file, out: filepath.Join(dir, "image"), version: "v1"}
	first, err := build(o)
	if err != nil {
		t.Fatal(err)
	}
	second, err := build(o)
	if err != nil || first != second {
		t.Errorf("digests %v and %v, error %v", first, second, err)
	}
	written, err := layout.FromPath(o.out)
	if err != nil {
		t.Fatal(err)
	}
	image, err := written.Image(second)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(image); err != nil {
		t.Error(err)
	}
	c, err := image.ConfigFile()
	if err != nil || c.Config.User != user || c.OS != "linux" || c.Config.Labels["org.opencontainers.image.version"] != "v1" {
		t.Errorf("config %+v, error %v", c, err)
	}
	if _, err := build(options{binary: file, sbom: file, cas: filepath.Join(dir, "gone"), out: o.out}); err == nil {
		t.Error("an image without CAs")
	}
}
