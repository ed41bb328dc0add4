//go:build !fast

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPython: protoc alone makes clients of the protos in other languages, and
// one of them is understood. Debian's Python it is, because the packages are its.
func TestPython(t *testing.T) {
	home := openHome(t)
	build(t, home)
	generated := t.TempDir()
	args := []string{"-I", "proto", "--java_out", generated, "--python_out", generated, "--grpc_python_out", generated,
		"--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin"}
	must(t, filepath.WalkDir("../../../proto", func(path string, _ os.DirEntry, err error) error {
		if name, isProto := strings.CutPrefix(path, "../../../proto/"); isProto && filepath.Ext(name) == ".proto" {
			args = append(args, name)
		}
		return err
	}))
	protoc := exec.Command("protoc", args...)
	protoc.Dir = "../../.."
	if out, err := protoc.CombinedOutput(); err != nil {
		t.Fatalf("protoc: %v\n%s", err, out)
	}
	server := start(t, home)
	client := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/client.py", server.addr)
	client.Env = append(os.Environ(), "PYTHONPATH="+generated)
	if out, err := client.CombinedOutput(); err != nil {
		t.Errorf("client.py: %v\n%s", err, out)
	}
	server.stop()
}
