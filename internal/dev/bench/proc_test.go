package main

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	p, err := parseStat("4242 (post) gres (x) S 17 4242 4242 0 -1 4194560 1 2 3 4 150 50 700 300 20 0 1 0 12345 1 2\n")
	want := process{parent: 17, own: 2 * time.Second, children: 10 * time.Second}
	if err != nil || p != want {
		t.Errorf("got %+v, %v; want %+v", p, err, want)
	}
	for _, broken := range []string{"", "1 (sh) S 1", "1 (sh) S x 1 1 0 -1 0 0 0 0 0 1 2 3 4 5"} {
		if p, err := parseStat(broken); err == nil {
			t.Errorf("%q was read as %+v", broken, p)
		}
	}
}

func TestParseBusy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"cpu  100 20 30 9000 900 4 5 41 7 7\ncpu0 1 1 1 1\n": 2 * time.Second, "": 0, "cpu 1 2 3": 0, "cpu 1 2 x 4 5 6 7 8": 0,
	} {
		if got := parseBusy(text); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

// TestOwnProcess reads this process where there is a /proc.
func TestOwnProcess(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return
	}
	if own, tree := cpuOf(os.Getpid()), cpuOfTree(os.Getpid()); tree < own {
		t.Errorf("this process took %v, and with its children %v", own, tree)
	}
}
