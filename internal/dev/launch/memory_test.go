package launch

import (
	"os"
	"testing"
)

func TestParseResident(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"1000 20 5 1 0 9 0\n": 81920, "": 0, "1000": 0, "1 x": 0} {
		if got := parseResident(text, 4096); got != want {
			t.Errorf("%q holds %d bytes, want %d", text, got, want)
		}
	}
}

// TestOwnMemory reads this process where there is a /proc.
func TestOwnMemory(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/statm"); err == nil && Resident(os.Getpid()) == 0 {
		t.Error("this process holds no memory")
	}
}
