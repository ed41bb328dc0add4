package portal

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/kiwi-ki/invitations/cmd/demo/page"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// importView is the form for a file, and what became of its lines.
type importView struct {
	Problem string
	Refusal *refusal
	Results []importResult
}

// importResult is what became of one line.
type importResult struct {
	Line   int
	Name   string
	Result *pb.BatchCreateUsersResult
	Wrong  []string // what is wrong with the line's fields
}

func (p *Portal) newImport(w http.ResponseWriter, r *http.Request) error {
	p.pages.Show(w, r, http.StatusOK, "import.html", importView{})
	return nil
}

// importUsers creates the users of a CSV file. Each line has a result, and a file
// that is sent again, after its lines were corrected, creates those that are
// missing.
func (p *Portal) importUsers(w http.ResponseWriter, r *http.Request) error {
	rows, err := readFile(r)
	if err != nil {
		said := problem(page.LangOf(r), err)
		p.pages.Show(w, r, http.StatusUnprocessableEntity, "import.html", importView{Problem: said})
		return nil
	}
	request := &pb.BatchCreateUsersRequest{
		OrganizationId: organization, RequestId: r.PostFormValue("request_id"), Actor: operator,
	}
	invite, to := chosen[pb.Invite](r, "invite", pb.Invite_value), target(r)
	for _, row := range rows {
		request.Users = append(request.Users, row.user(request.GetRequestId(), invite, to))
	}
	response, err := p.service.BatchCreateUsers(r.Context(), request)
	if err != nil {
		p.pages.Show(w, r, httpStatus(err), "import.html", importView{Refusal: refusalOf(r, err)})
		return nil
	}
	view := importView{}
	for i, result := range response.GetResults() {
		line := importResult{Line: rows[i].line, Name: rows[i].field["name"], Result: result}
		for _, violation := range result.GetFieldViolations() {
			line.Wrong = append(line.Wrong, wrong[violation.GetField()].In(page.LangOf(r)))
		}
		view.Results = append(view.Results, line)
	}
	p.pages.Show(w, r, http.StatusOK, "import.html", view)
	return nil
}

// row is one line of a file, by the names of its columns.
type row struct {
	line  int
	field map[string]string
}

// columns are the names that a file's first line may have, in either language.
var columns = map[string]string{
	"nummer": "number", "number": "number", "name": "name", "art": "type", "type": "type",
	"e-mail": "email", "email": "email", "sprache": "locale", "language": "locale",
}

// typeNamed is the kind of person by its name in either language; a tenant if there
// is none.
func typeNamed(name string) pb.UserType {
	for value, words := range spoken {
		kind, ok := value.(pb.UserType)
		if ok && (strings.EqualFold(name, words[0]) || strings.EqualFold(name, words[1])) {
			return kind
		}
	}
	if name == "" {
		return pb.UserType_USER_TYPE_TENANT
	}
	return pb.UserType_USER_TYPE_UNSPECIFIED // which the service refuses
}

// user is what the service is asked to create. A line without a number gets one
// that is the same whenever the same form is sent again.
func (l row) user(form string, invite pb.Invite, to pb.Target) *pb.CreateUserRequest {
	user := &pb.CreateUserRequest{
		UserId:      l.field["number"],
		DisplayName: l.field["name"],
		Type:        typeNamed(l.field["type"]),
		Locale:      l.field["locale"],
		Email:       l.field["email"],
		Invite:      invite,
		Target:      to,
	}
	if user.UserId == "" {
		user.UserId = fmt.Sprintf("%.8s-%d", form, l.line)
	}
	return user
}

// mostRows is how many users one call may create.
const mostRows = 1000

// fileError is what is wrong with a file as a whole.
type fileError struct{ words page.Words }

// Error implements error.
func (e fileError) Error() string { return e.words.In(page.English) }

func problem(lang page.Lang, err error) string {
	if wrong, ok := err.(fileError); ok { //nolint:errorlint // never wrapped
		return wrong.words.In(lang)
	}
	return page.Words{"Die Datei ist nicht lesbar.", "The file can't be read."}.In(lang)
}

func readFile(r *http.Request) ([]row, error) {
	file, _, err := r.FormFile("file")
	if err != nil {
		return nil, fileError{page.Words{"Bitte wählen Sie eine Datei.", "Please choose a file."}}
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return readRows(text)
}

// readRows reads a file as spreadsheets write it: separated by semicolons or
// commas, in UTF-8 or, as Excel does in Germany, in Windows-1252.
func readRows(text []byte) ([]row, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		text, _ = charmap.Windows1252.NewDecoder().Bytes(text)
	}
	head, _, _ := bytes.Cut(text, []byte("\n"))
	reader := csv.NewReader(bytes.NewReader(text))
	reader.FieldsPerRecord = -1
	if bytes.ContainsRune(head, ';') {
		reader.Comma = ';'
	}
	names, err := reader.Read()
	if err != nil {
		return nil, err
	}
	var rows []row
	for {
		record, err := reader.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := reader.FieldPos(0)
		rows = append(rows, row{line, named(names, record)})
	}
	switch {
	case !known(names):
		return nil, fileError{page.Words{
			"Die erste Zeile muss die Spalten nennen: Nummer, Name, Art, Sprache, E-Mail.",
			"The first line has to name the columns: Number, Name, Type, Language, E-mail.",
		}}
	case len(rows) == 0 || len(rows) > mostRows:
		return nil, fileError{page.Words{
			"Die Datei muss 1 bis 1.000 Nutzer haben.", "The file has to have 1 to 1,000 users.",
		}}
	}
	return rows, nil
}

func known(names []string) bool {
	for _, name := range names {
		if columns[strings.ToLower(strings.TrimSpace(name))] == "name" {
			return true
		}
	}
	return false
}

func named(names, record []string) map[string]string {
	field := map[string]string{}
	for i, value := range record[:min(len(names), len(record))] {
		field[columns[strings.ToLower(strings.TrimSpace(names[i]))]] = strings.TrimSpace(value)
	}
	return field
}
