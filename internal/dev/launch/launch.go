// Package launch starts the service as it is released, for programs that measure it.
package launch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Root is the directory of the checkout that this is run in.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("look for the checkout: %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(out)))
	if _, err := os.Stat(filepath.Join(root, "cmd", "invitationd")); err != nil {
		return "", errors.New("run this inside the checkout: it builds cmd/invitationd")
	}
	return root, nil
}

// Build compiles invitationd as it is released, with files that are not in the checkout if there
// are any: their paths below the root, and where they lie.
func Build(ctx context.Context, root, binary string, more ...[2]string) error {
	args := []string{"build", "-o", binary}
	if len(more) > 0 {
		replace := map[string]string{}
		for _, file := range more {
			replace[filepath.Join(root, file[0])] = file[1]
		}
		overlay, err := json.Marshal(map[string]any{"Replace": replace})
		if err != nil {
			return err
		}
		name := binary + ".overlay"
		if err := os.WriteFile(name, overlay, 0o600); err != nil {
			return err
		}
		args = append(args, "-overlay", name)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/invitationd")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build invitationd: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// Keys writes a key file with one key.
func Keys(path string) (*invitation.KeyRing, error) {
	line, err := invitation.NewKeyLine('A')
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write the key file: %w", err)
	}
	return invitation.ParseKeyRing([]byte(line))
}

// FreeAddr is an address on loopback on which nobody listens.
func FreeAddr(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("look for a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
