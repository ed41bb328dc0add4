package manifests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// worstExposure is what systemd-analyze may say at most, from 0 to 10. The units
// get 1.2; what listens on the network gets no less than that.
const worstExposure = "13" // tenths

func TestUnits(t *testing.T) {
	for _, name := range []string{"invitationd.service", "invitationd-migrate.service"} {
		text := read(t, "systemd/"+name)
		// systemd looks whether there is such a program; here is another one.
		unit := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/invitationd", "/bin/true")), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"verify", "--man=no", unit},
			{"security", "--offline=true", "--no-pager", "--threshold=" + worstExposure, unit},
		} {
			out, err := exec.CommandContext(t.Context(), "systemd-analyze", args...).CombinedOutput()
			if err != nil || args[0] == "verify" && len(out) > 0 {
				t.Errorf("systemd-analyze %s %s: %v\n%s", args[0], name, err, out)
			}
		}
	}
}
