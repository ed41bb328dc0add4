package portal

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/kiwi-ki/invitations/cmd/demo/page"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// importView is the form for a file, and what became of its lines.
type importView struct {
	Problem string
	Refusal *refusal
	Results []importResult
	// Created and NotCreated say how many lines there are of each.
	Created, NotCreated int
	// Ignored are the names of columns that nobody knows here.
	Ignored string
}

// importResult is what became of one line.
type importResult struct {
	Line   int
	Name   string
	Result *pb.BatchCreateUsersResult
	Why    string // nobody was created
}

func (p *Portal) newImport(w http.ResponseWriter, r *http.Request) error {
	p.pages.Show(w, r, http.StatusOK, "import.html", importView{})
	return nil
}

// importUsers creates the users of a CSV file. Each line has a result, and a file
// whose lines have numbers or addresses may be sent again, after some were corrected:
// that creates those that are missing.
func (p *Portal) importUsers(w http.ResponseWriter, r *http.Request) error {
	rows, ignored, err := readFile(r)
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
	view := importView{Ignored: strings.Join(ignored, ", ")}
	for i, result := range response.GetResults() {
		line := importResult{Line: rows[i].line, Name: rows[i].field["name"], Result: result, Why: whyNoUser(page.LangOf(r), result)}
		if result.GetUser() != nil {
			view.Created++
		} else {
			view.NotCreated++
		}
		view.Results = append(view.Results, line)
	}
	p.pages.Show(w, r, http.StatusOK, "import.html", view)
	return nil
}

// whyNoUser says what is wrong with a line, field by field if the service tells.
func whyNoUser(lang page.Lang, result *pb.BatchCreateUsersResult) string {
	var fields []string
	for _, violation := range result.GetFieldViolations() {
		fields = append(fields, wrongField(lang, violation))
	}
	said := whyOne(lang, result.GetReason(), result.GetRetryDelay())
	switch {
	case len(fields) == 0:
		return said
	case result.GetReason() == pb.ErrorReason_INVALID_FIELD: // which says no more
		return strings.Join(fields, "; ")
	}
	return said + " (" + strings.Join(fields, "; ") + ")"
}

// row is one line of a file, by the names of its columns.
type row struct {
	line  int
	field map[string]string
}

// columns are the names that a file's first line may have, in either language.
var columns = map[string]string{
	"nummer": "number", "nutzernummer": "number", "number": "number", "user number": "number",
	"name": "name",
	"art":  "type", "typ": "type", "nutzertyp": "type", "type": "type",
	"e-mail": "email", "email": "email", "e-mail-adresse": "email", "e-mail address": "email",
	"sprache": "locale", "language": "locale",
}

// column is what a name in the first line stands for; nothing if nobody knows.
func column(name string) string { return columns[strings.ToLower(strings.TrimSpace(name))] }

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
	var broken *csv.ParseError
	var wrong fileError
	switch {
	case errors.As(err, &wrong):
		return wrong.words.In(lang)
	case errors.As(err, &broken):
		return fmt.Sprintf(page.Words{
			"Zeile %d ist nicht lesbar: ein Anführungszeichen steht allein, oder wo keines sein darf. Es wurde niemand angelegt.",
			"Line %d can't be read: a quotation mark is alone, or where there may be none. Nobody was created.",
		}.In(lang), broken.StartLine)
	}
	return page.Words{"Die Datei ist nicht lesbar.", "The file can't be read."}.In(lang)
}

func readFile(r *http.Request) (rows []row, ignored []string, err error) {
	file, _, err := r.FormFile("file")
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, nil, fileError{page.Words{"Die Datei ist zu groß.", "The file is too large."}}
	}
	if err != nil {
		return nil, nil, fileError{page.Words{"Bitte wählen Sie eine Datei.", "Please choose a file."}}
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, nil, err
	}
	return readRows(text)
}

// plain makes UTF-8 of what spreadsheets write: that, UTF-16 with a mark, or, as Excel
// does in Germany, Windows-1252.
func plain(text []byte) []byte {
	encoding := unicode.BOMOverride(charmap.Windows1252.NewDecoder())
	if utf8.Valid(text) {
		encoding = unicode.BOMOverride(unicode.UTF8.NewDecoder())
	}
	text, _, _ = transform.Bytes(encoding, text) // what is no text has no columns either
	return text
}

// separator is what stands between the names of a file's columns.
func separator(head []byte) rune {
	for _, r := range ";\t" {
		if bytes.ContainsRune(head, r) {
			return r
		}
	}
	return ','
}

// readRows reads a file as spreadsheets write it, and tells which columns it could not
// make anything of. A row with nothing in it is none.
func readRows(text []byte) (rows []row, ignored []string, err error) {
	text = plain(text)
	head, _, _ := bytes.Cut(text, []byte("\n"))
	reader := csv.NewReader(bytes.NewReader(text))
	reader.FieldsPerRecord = -1
	reader.Comma = separator(head)
	names, err := reader.Read()
	if err != nil {
		return nil, nil, err
	}
	for {
		record, err := reader.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		line, _ := reader.FieldPos(0)
		if strings.TrimSpace(strings.Join(record, "")) != "" {
			rows = append(rows, row{line, named(names, record)})
		}
	}
	switch {
	case !slices.ContainsFunc(names, func(name string) bool { return column(name) == "name" }):
		return nil, nil, fileError{page.Words{
			"Die erste Zeile muss die Spalten nennen: Nummer, Name, Art, Sprache, E-Mail.",
			"The first line has to name the columns: Number, Name, Type, Language, E-mail.",
		}}
	case len(rows) == 0:
		return nil, nil, fileError{page.Words{"Unter der ersten Zeile steht niemand.", "There is nobody below the first line."}}
	case len(rows) > mostRows:
		return nil, nil, fileError{page.Words{
			fmt.Sprintf("Die Datei hat %d Nutzer, und höchstens 1.000 gehen auf einmal. Teilen Sie sie auf.", len(rows)),
			fmt.Sprintf("The file has %d users, and at most 1,000 go at once. Please split it.", len(rows)),
		}}
	}
	for _, name := range names {
		if name = strings.TrimSpace(name); name != "" && column(name) == "" {
			ignored = append(ignored, name)
		}
	}
	return rows, ignored, nil
}

func named(names, record []string) map[string]string {
	field := map[string]string{}
	for i, value := range record[:min(len(names), len(record))] {
		field[column(names[i])] = strings.TrimSpace(value)
	}
	return field
}
