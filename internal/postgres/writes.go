package postgres

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// writes gathers what a group writes and makes one statement of it, which costs
// Postgres and the driver less than one per table. No two parts may write the
// same row, and none sees what another wrote.
type writes struct {
	parts []*part
	args  []any
}

// part is a statement that writes rows.
type part struct {
	name, sql string
	params    int
}

var parameter = regexp.MustCompile(`\$(\d+)`)

func newPart(name, sql string) *part {
	p := &part{name: name, sql: sql}
	for _, match := range parameter.FindAllStringSubmatch(sql, -1) {
		n, _ := strconv.Atoi(match[1])
		p.params = max(p.params, n)
	}
	return p
}

func (w *writes) add(p *part, args ...any) {
	w.parts, w.args = append(w.parts, p), append(w.args, args...)
}

func (w *writes) queue(b *pgx.Batch) {
	if len(w.parts) > 0 {
		b.Queue(joined(w.parts), w.args...)
	}
}

// statements are those that were joined before, by the names of their parts.
// There are few: what calls write has few forms.
var statements sync.Map

func joined(parts []*part) string {
	var key strings.Builder
	for _, p := range parts {
		key.WriteString(p.name)
		key.WriteByte(' ')
	}
	if known, ok := statements.Load(key.String()); ok {
		return known.(string)
	}
	var text []string
	before := 0
	for _, p := range parts {
		sql := parameter.ReplaceAllStringFunc(p.sql, func(param string) string {
			n, _ := strconv.Atoi(param[1:])
			return "$" + strconv.Itoa(before+n)
		})
		text = append(text, fmt.Sprintf("%s AS (%s)", p.name, sql))
		before += p.params
	}
	statement := "WITH " + strings.Join(text, ", ") + " SELECT"
	statements.Store(key.String(), statement)
	return statement
}
