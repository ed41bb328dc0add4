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
	// lone says that one call writes. Parts then have a form for one row: arrays
	// cost Postgres several times as much. Others have none, as every mixture
	// would be a statement of its own.
	lone  bool
	forms []*form
	args  []any
}

// part is a statement that writes rows, in its two forms.
type part[R any] struct {
	columns   []column[R]
	one, many form
}

// form is a statement whose parameters are numbered from 1 on.
type form struct {
	name, sql string
	params    int
}

// newPart makes a part of a statement in which {rows} stands for what is written,
// called r.
func newPart[R any](name string, columns []column[R], sql string) *part[R] {
	with := func(name, rows string) form {
		rows = fmt.Sprintf(rows, "r ("+list(columns, "%s")+")")
		return form{name, strings.Replace(sql, "{rows}", rows, 1), len(columns)}
	}
	return &part[R]{
		columns: columns,
		one:     with("one_"+name, "(VALUES ("+parameters(columns, 1, "")+")) AS %s"),
		many:    with(name, "unnest("+parameters(columns, 1, "[]")+") AS %s"),
	}
}

// add has a part write rows, if there are any.
func add[R any](w *writes, p *part[R], rows []*R) {
	switch {
	case len(rows) == 0:
	case w.lone && len(rows) == 1:
		w.forms, w.args = append(w.forms, &p.one), append(w.args, values(p.columns, rows[0])...)
	default:
		w.forms, w.args = append(w.forms, &p.many), append(w.args, arrays(p.columns, rows)...)
	}
}

func (w *writes) queue(b *pgx.Batch) {
	if len(w.forms) > 0 {
		b.Queue(joined(w.forms), w.args...)
	}
}

// statements are those that were joined before, by the names of their parts.
// There are few: what calls write has few forms.
var statements sync.Map

var parameter = regexp.MustCompile(`\$(\d+)`)

func joined(forms []*form) string {
	var key strings.Builder
	for _, f := range forms {
		key.WriteString(f.name)
		key.WriteByte(' ')
	}
	if known, ok := statements.Load(key.String()); ok {
		return known.(string)
	}
	var text []string
	before := 0
	for _, f := range forms {
		sql := parameter.ReplaceAllStringFunc(f.sql, func(param string) string {
			n, _ := strconv.Atoi(param[1:])
			return "$" + strconv.Itoa(before+n)
		})
		text = append(text, fmt.Sprintf("%s AS (%s)", f.name, sql))
		before += f.params
	}
	statement := "WITH " + strings.Join(text, ", ") + " SELECT"
	statements.Store(key.String(), statement)
	return statement
}
