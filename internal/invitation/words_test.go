package invitation_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// lists has the list of each type whose constants are words. The compiler
// counts the targets by itself.
var lists = map[string][]string{
	"UserType":           words(invitation.UserTypes()),
	"State":              words(invitation.States()),
	"AccountStatus":      words(invitation.AccountStatuses()),
	"Action":             words(invitation.Actions()),
	"Channel":            words(invitation.Channels()),
	"EventType":          words(invitation.EventTypes()),
	"DeliveryState":      words(invitation.DeliveryStates()),
	"End":                words(invitation.Ends()),
	"DropCause":          words(invitation.DropCauses()),
	"UndeliverableCause": words(invitation.UndeliverableCauses()),
}

// unlisted are types whose constants need no list: what a mail can be written
// in is decided by its templates, and the uses of a key are for people only.
var unlisted = []string{"Locale", "KeyUse"}

// TestLists: the list of a type names every constant that the source has of it,
// and none twice.
func TestLists(t *testing.T) {
	t.Parallel()
	found := map[string][]string{}
	for _, c := range constants(t) {
		list, listed := lists[c.kind]
		switch {
		case slices.Contains(unlisted, c.kind) || c.word == "":
		case !listed:
			t.Errorf("%s is of type %s, which has no list", c.name, c.kind)
		case !slices.Contains(list, c.word):
			t.Errorf("%s is missing in the list of every %s", c.name, c.kind)
		}
		found[c.kind] = append(found[c.kind], c.word)
	}
	for kind, list := range lists {
		for i, word := range list {
			if slices.Contains(list[:i], word) || !slices.Contains(found[kind], word) {
				t.Errorf("the list of every %s has %s twice, or without a constant", kind, word)
			}
		}
	}
}

func words[W ~string](list []W) (all []string) {
	for _, w := range list {
		all = append(all, string(w))
	}
	return all
}

// constant is one whose type is named where it stands, and its text.
type constant struct{ name, kind, word string }

// constants reads the package's own source.
func constants(t *testing.T) (all []constant) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	must(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		must(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				all = append(all, texts(t, spec)...)
			}
			return true
		})
	}
	return all
}

// texts returns the constants of a line that have a named type and a text.
func texts(t *testing.T, spec *ast.ValueSpec) (all []constant) {
	t.Helper()
	if spec.Type == nil {
		return nil
	}
	for i, value := range spec.Values {
		if literal, ok := value.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			word, err := strconv.Unquote(literal.Value)
			must(t, err)
			all = append(all, constant{spec.Names[i].Name, fmt.Sprint(spec.Type), word})
		}
	}
	return all
}
