package layout_test

import (
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
)

const module = "github.com/kiwi-ki/invitations"

// lint is what there is to know of .golangci.yml.
type lint struct {
	Linters struct {
		Settings struct {
			Depguard struct {
				Rules map[string]struct {
					Mode  string `yaml:"list-mode"`
					Files []string
				}
			}
		}
	}
}

// folders are those that a strict rule of depguard is for.
func folders(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../../.golangci.yml")
	harness.Must(t, err)
	var l lint
	harness.Must(t, yaml.Unmarshal(text, &l))
	all := map[string]bool{}
	for name, rule := range l.Linters.Settings.Depguard.Rules {
		if rule.Mode != "strict" {
			t.Errorf("depguard's rule %q allows what it does not name: make it strict", name)
		}
		for _, pattern := range rule.Files {
			if folder, ok := strings.CutPrefix(pattern, "**/"); ok {
				all[path.Dir(folder)] = true
			}
		}
	}
	return all
}

// TestEveryPackageHasARule: what may be imported is said for each, so that nobody
// adds a package, or an arrow that points outwards, without a word about it.
func TestEveryPackageHasARule(t *testing.T) {
	t.Parallel()
	ruled := folders(t)
	for _, folder := range packages(t) {
		if !ruled[folder] {
			t.Errorf("no rule of depguard in .golangci.yml says what %s may import", folder)
		}
	}
}

// TestEveryPackageIsOnTheMap: CONTRIBUTING says of each what it holds, or of the
// folder above it.
func TestEveryPackageIsOnTheMap(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../CONTRIBUTING.md")
	harness.Must(t, err)
	_, section, _ := strings.Cut(string(text), "\n## The map\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, folder := range packages(t) {
		named := false
		for above := folder; above != "." && above != "internal" && above != "cmd"; above = path.Dir(above) {
			named = named || strings.Contains(section, "`"+above+"`") || strings.Contains(section, "`"+above+"/`")
		}
		if !named {
			t.Errorf("the map in CONTRIBUTING.md does not have %s", folder)
		}
	}
}

// packages are the folders of the module that have Go in them.
func packages(t *testing.T) (all []string) {
	t.Helper()
	out, err := exec.Command("go", "list", module+"/...").Output()
	harness.Must(t, err)
	for pkg := range strings.FieldsSeq(string(out)) {
		all = append(all, strings.TrimPrefix(pkg, module+"/"))
	}
	if len(all) < 10 {
		t.Fatalf("go list knows only %q", all)
	}
	return all
}
