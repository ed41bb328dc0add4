package server_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// vocabulary is one list of the domain's words, and where else it stands.
type vocabulary struct {
	words []string
	enum  protoreflect.Enum
	// derived are words of the API that are never stored.
	derived []string
	// columns hold the words in the database, each with a CHECK.
	columns []string
}

var vocabularies = []vocabulary{
	{words: texts(invitation.Targets()), enum: pb.Target(0), columns: []string{"invitations.target", "events.target"}},
	{words: texts(invitation.UserTypes()), enum: pb.UserType(0), columns: []string{"users.type"}},
	{words: texts(invitation.States()), enum: pb.InvitationState(0), derived: []string{"EXPIRED"}, columns: []string{"invitations.state"}},
	{words: texts(invitation.DeliveryStates()), enum: pb.DeliveryState(0), columns: []string{"deliveries.state", "events.delivery_state"}},
	{words: texts(invitation.Channels()), enum: pb.Channel(0), columns: []string{"events.channel"}},
	{words: texts(invitation.EventTypes()), enum: pb.EventType(0), columns: []string{"events.type"}},
	{words: texts(invitation.AccountStatuses()), enum: pb.AccountStatus(0), columns: []string{"users.account_status"}},
	{words: texts(invitation.Actions()), enum: pb.Action(0)},
	{words: []string{"NEXT", "SIGNS", "VERIFIES"}, enum: pb.KeyUse(0)},
	{words: texts(invitation.DropCauses()), enum: pb.DropCause(0), columns: []string{"deliveries.drop_cause"}},
	{words: texts(invitation.UndeliverableCauses()), enum: pb.UndeliverableCause(0), columns: []string{"users.undeliverable"}},
}

// TestWords holds each list of the domain against the API's and the database's.
func TestWords(t *testing.T) {
	t.Parallel()
	checks := newStack(t).checks()
	for _, v := range vocabularies {
		name := v.enum.Descriptor().Name()
		same(t, fmt.Sprintf("the enum %s in proto/", name), v.words, enumWords(v.enum))
		stored := slices.DeleteFunc(slices.Clone(v.words), func(w string) bool { return slices.Contains(v.derived, w) })
		for _, column := range v.columns {
			same(t, "the CHECK of "+column+" in internal/postgres/migrations", stored, checks[column])
		}
	}
}

// texts returns the words of a list.
func texts[W any](words []W) (all []string) {
	for _, w := range words {
		all = append(all, fmt.Sprint(w))
	}
	return all
}

// enumWords are an enum's values without the first, which is none, and without
// what all of them begin with.
func enumWords(e protoreflect.Enum) (words []string) {
	values := e.Descriptor().Values()
	prefix := strings.TrimSuffix(string(values.ByNumber(0).Name()), "UNSPECIFIED")
	for i := range values.Len() {
		if v := values.Get(i); v.Number() != 0 {
			words = append(words, strings.TrimPrefix(string(v.Name()), prefix))
		}
	}
	return words
}

var (
	oneOf  = regexp.MustCompile(`^CHECK \(\(\(?(\w+) = ANY \(ARRAY\[(.*)\]`)
	quotes = regexp.MustCompile(`'([^']*)'::text`)
)

// checks returns the words that the database lets into each column that has a
// CHECK for its words, by table and column.
func (s *stack) checks() map[string][]string {
	s.t.Helper()
	rows, err := s.pool.Query(s.t.Context(), `SELECT conrelid::regclass::text, pg_get_constraintdef(oid)
		FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace`)
	must(s.t, err)
	all := map[string][]string{}
	for rows.Next() {
		var table, definition string
		must(s.t, rows.Scan(&table, &definition))
		if m := oneOf.FindStringSubmatch(definition); m != nil {
			for _, word := range quotes.FindAllStringSubmatch(m[2], -1) {
				if word[1] != "" { // no word
					all[table+"."+m[1]] = append(all[table+"."+m[1]], word[1])
				}
			}
		}
	}
	must(s.t, rows.Err())
	return all
}

// same fails for every word that a place lacks, or has and the domain has not.
func same(t *testing.T, place string, domain, there []string) {
	t.Helper()
	for _, word := range domain {
		if !slices.Contains(there, word) {
			t.Errorf("%q is missing in %s", word, place)
		}
	}
	for _, word := range there {
		if !slices.Contains(domain, word) {
			t.Errorf("%q stands in %s, and internal/invitation does not have it", word, place)
		}
	}
}

// TestReasons holds the API's reasons against the table that errors are turned
// into statuses by, and README's.
func TestReasons(t *testing.T) {
	t.Parallel()
	reasons := enumWords(pb.ErrorReason(0))
	source, err := os.ReadFile("status.go")
	must(t, err)
	var judged []string
	for _, m := range regexp.MustCompile(`pb\.ErrorReason_([A-Z_]+)`).FindAllStringSubmatch(string(source), -1) {
		judged = append(judged, m[1])
	}
	told := readmeColumn(t, "Errors")
	for _, reason := range reasons {
		if !slices.Contains(judged, reason) {
			t.Errorf("nothing in status.go answers %s", reason)
		}
		if !slices.Contains(told, reason) {
			t.Errorf("README's table of reasons lacks %s", reason)
		}
	}
	for _, reason := range told {
		if !slices.Contains(reasons, reason) {
			t.Errorf("README's table names %s, which is no ErrorReason", reason)
		}
	}
	for _, end := range []string{"INVITATION_EXPIRED", "INVITATION_REVOKED", "INVITATION_SUPERSEDED", "EMAIL_CHANGED", "USER_DEACTIVATED"} {
		if !slices.Contains(reasons, end) {
			t.Errorf("links may end with %s, which is no ErrorReason", end)
		}
	}
}

// TestReadmeHasEveryRPC: whoever looks for a call finds it there.
func TestReadmeHasEveryRPC(t *testing.T) {
	t.Parallel()
	var rpcs []string
	for _, method := range methods() {
		rpcs = append(rpcs, string(method.Name()))
	}
	told := readmeColumn(t, "Calls")
	for _, rpc := range rpcs {
		if !slices.Contains(told, rpc) {
			t.Errorf("README's table of calls lacks %s", rpc)
		}
	}
	for _, name := range told {
		if !slices.Contains(rpcs, name) {
			t.Errorf("README's table of calls names %s, which is no RPC", name)
		}
	}
}

// readmeColumn are the names in the second column of the table in a section of
// README.
func readmeColumn(t *testing.T, section string) (names []string) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	must(t, err)
	_, text, found := strings.Cut(string(readme), "\n## "+section+"\n")
	if !found {
		t.Fatalf("README has no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for _, row := range regexp.MustCompile(`(?m)^\|.*$`).FindAllString(text, -1) {
		for _, m := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(strings.Split(row, "|")[2], -1) {
			names = append(names, m[1])
		}
	}
	return names
}
