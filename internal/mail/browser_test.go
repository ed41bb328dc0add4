//go:build !fast

package mail_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// browse opens a page in a headless Chromium that has no network, paints it
// into a PNG file, and returns the page's DOM after it has loaded.
func browse(t *testing.T, page, picture string, width, height int) string {
	t.Helper()
	// Not t.TempDir: the browser's last processes may still write into it.
	home, err := os.MkdirTemp("", "browser") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser(t),
		"--headless",
		"--no-sandbox", // root has none, nor has a user in most containers; the page is ours
		"--disable-gpu",
		"--disable-dev-shm-usage",
		"--disable-crash-reporter",
		"--disable-background-networking",
		"--disable-component-update",
		"--disable-sync",
		"--disable-extensions",
		"--no-first-run",
		"--no-default-browser-check",
		"--host-resolver-rules=MAP * ~NOTFOUND",
		"--force-device-scale-factor=1",
		"--force-color-profile=srgb",
		"--hide-scrollbars",
		"--user-data-dir="+home,
		fmt.Sprintf("--window-size=%d,%d", width, height),
		"--screenshot="+picture,
		"--dump-dom",
		"file://"+page)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
	cmd.WaitDelay = 5 * time.Second
	var dom, noise bytes.Buffer
	cmd.Stdout, cmd.Stderr = &dom, &noise
	if err := cmd.Run(); err != nil {
		t.Fatalf("run the browser: %v\n%s", err, noise.String())
	}
	return dom.String()
}

// browser is the Chromium of this machine. Without one the mails can't be
// looked at, and so the test fails.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium in PATH to look at the mails with: install the package chromium")
	return ""
}
