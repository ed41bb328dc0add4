package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/authz"
)

// parsePolicy reads a policy. It refuses what authz reads as more or less than
// a writer meant: an allow rule without principals is one for everybody, a
// second rule of the same name replaces the first, and a star counts at an end
// only. Nor may everybody who has a certificate call more than health.
func parsePolicy(contents [][]byte) (*authz.StaticInterceptor, error) {
	policy, err := authz.NewStatic(string(contents[0]))
	if err != nil {
		return nil, err
	}
	var p struct {
		DenyRules  []rule `json:"deny_rules"`
		AllowRules []rule `json:"allow_rules"`
	}
	// Other than authz, this refuses what follows the object.
	if err := json.Unmarshal(contents[0], &p); err != nil {
		return nil, err
	}
	for _, r := range p.AllowRules {
		if len(r.Source.Principals) == 0 {
			return nil, fmt.Errorf("rule %q would allow everybody: name principals, or *", r.Name)
		}
		if len(r.Request.Paths) == 0 {
			return nil, fmt.Errorf("rule %q would allow every method: name paths, or *", r.Name)
		}
		if slices.Contains(r.Source.Principals, "*") && slices.ContainsFunc(r.Request.Paths, beyondHealth) {
			return nil, fmt.Errorf("rule %q would let everybody call more than %s", r.Name, healthPaths)
		}
	}
	return policy, errors.Join(checkRules(p.DenyRules), checkRules(p.AllowRules))
}

const healthPaths = "/grpc.health.v1.Health/"

func beyondHealth(path string) bool { return !strings.HasPrefix(path, healthPaths) }

// rule is what has to be looked at of a rule.
type rule struct {
	Name    string
	Source  struct{ Principals []string }
	Request struct{ Paths []string }
}

func checkRules(rules []rule) error {
	seen := map[string]bool{}
	for _, r := range rules {
		if seen[r.Name] {
			return fmt.Errorf("there are two rules %q", r.Name)
		}
		seen[r.Name] = true
		for _, pattern := range slices.Concat(r.Source.Principals, r.Request.Paths) {
			stars := strings.Count(pattern, "*")
			if stars > 1 || stars == 1 && !strings.HasPrefix(pattern, "*") && !strings.HasSuffix(pattern, "*") {
				return fmt.Errorf("rule %q: a star can't be where it is in %q", r.Name, pattern)
			}
		}
	}
	return nil
}
