package app

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/cmd/demo/page"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestEveryDeadLinkIsExplained: what RedemptionService says that it may answer a
// token with has words in both languages.
func TestEveryDeadLinkIsExplained(t *testing.T) {
	t.Parallel()
	proto, err := os.ReadFile("../../../proto/kiwi/invitation/v1/redemption_service.proto")
	if err != nil {
		t.Fatal(err)
	}
	says, _, _ := strings.Cut(string(proto), "service RedemptionService")
	named := regexp.MustCompile(`\b[A-Z]+_[A-Z_]+\b`).FindAllString(says, -1)
	if len(named) != len(ends) {
		t.Errorf("the API names %d reasons, and %d are explained", len(named), len(ends))
	}
	for _, name := range named {
		e := ends[pb.ErrorReason(pb.ErrorReason_value[name])]
		for _, lang := range page.Langs() {
			if e.title.In(lang) == "" || e.advice.In(lang) == "" {
				t.Errorf("%s is not explained in %q", name, lang)
			}
		}
	}
}
