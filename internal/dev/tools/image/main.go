// Command image makes the service's container image, an OCI layout, without a
// container engine:
//
//	image -binary FILE -sbom FILE -out DIR [-version V] [-commit C]
//
// It holds the static binary, the CAs of this machine and the list of parts, and
// nothing else: no shell, no libc, not root. The same files make the same bytes.
// An engine takes it as it is: podman pull oci:DIR, tar -C DIR -c . | docker load,
// skopeo copy oci:DIR docker://….
package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/release/invitationd", "the static binary")
	flag.StringVar(&o.sbom, "sbom", "bin/release/sbom.json", "the list of its parts")
	flag.StringVar(&o.cas, "cas", "/etc/ssl/certs/ca-certificates.crt", "the CAs to trust")
	flag.StringVar(&o.out, "out", "bin/release/image", "the directory to write")
	flag.StringVar(&o.version, "version", "", "")
	flag.StringVar(&o.commit, "commit", "", "")
	flag.Parse()
	digest, err := build(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
	fmt.Println(digest)
}

type options struct{ binary, sbom, cas, out, version, commit string }

// user is nobody's on any machine; 65532 is what others call "nonroot".
const user = "65532:65532"

func build(o options) (v1.Hash, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, file := range []struct {
		from, to string
		mode     int64
	}{
		{o.cas, "etc/ssl/certs/ca-certificates.crt", 0o444},
		{o.sbom, "usr/share/sbom/invitationd.cdx.json", 0o444},
		{o.binary, "invitationd", 0o555},
	} {
		content, err := os.ReadFile(file.from)
		if err != nil {
			return v1.Hash{}, err
		}
		layer, err := layerOf(file.to, file.mode, content)
		if err != nil {
			return v1.Hash{}, err
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			return v1.Hash{}, err
		}
	}
	image, err := mutate.ConfigFile(image, config(image, o))
	if err != nil {
		return v1.Hash{}, err
	}
	if err := os.RemoveAll(o.out); err != nil {
		return v1.Hash{}, err
	}
	dir, err := layout.Write(o.out, empty.Index)
	if err != nil {
		return v1.Hash{}, err
	}
	name := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "latest"})
	if err := dir.AppendImage(image, name); err != nil {
		return v1.Hash{}, err
	}
	return image.Digest()
}

func config(image v1.Image, o options) *v1.ConfigFile {
	c, _ := image.ConfigFile() // of what was made here
	c = c.DeepCopy()
	c.Architecture, c.OS, c.Created = runtime.GOARCH, "linux", v1.Time{Time: time.Unix(0, 0).UTC()}
	c.Config = v1.Config{
		User: user, Entrypoint: []string{"/invitationd"}, Cmd: []string{"serve"},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "invitationd",
			"org.opencontainers.image.version":  o.version,
			"org.opencontainers.image.revision": o.commit,
		},
	}
	return c
}

// layerOf is one file with the folders above it, all of them root's.
func layerOf(name string, mode int64, content []byte) (v1.Layer, error) {
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for i, part := range strings.Split(path.Dir(name), "/") {
		if part == "." {
			break
		}
		above := strings.Join(strings.Split(name, "/")[:i+1], "/") + "/"
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: above, Mode: 0o555}); err != nil {
			return nil, err
		}
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(buffer.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
}
