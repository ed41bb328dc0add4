package postgres_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/kiwi-ki/invitations/internal/postgres"
)

// TestEveryColumnIsDeclared holds the declarations of columns against the schema:
// whoever forgot the one or the other reads its name here.
func TestEveryColumnIsDeclared(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	for table, declared := range postgres.Columns() {
		there := map[string]string{}
		for _, line := range strings.Split(d.text(`SELECT attname || ' ' || atttypid::regtype FROM pg_attribute
			WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped`, table), "\n") {
			name, kind, _ := strings.Cut(line, " ")
			there[name] = kind
		}
		for _, name := range slices.Sorted(maps.Keys(declared)) {
			want := d.text(`SELECT $1::text::regtype::text`, declared[name])
			if there[name] == "" {
				t.Errorf("%s.%s is declared in %[1]s.go, and no migration makes it", table, name)
			} else if there[name] != want {
				t.Errorf("%s.%s is declared as %s, and is a %s", table, name, want, there[name])
			}
			delete(there, name)
		}
		for name := range there {
			t.Errorf("%s.%s is in the schema, and no line of %[1]s.go declares it", table, name)
		}
	}
}
