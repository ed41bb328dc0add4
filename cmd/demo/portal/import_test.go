package portal

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"github.com/kiwi-ki/invitations/cmd/demo/page"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestReadRows: files as spreadsheets write them, in either language.
func TestReadRows(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"semicolons":  "Nummer;Name;Art;Sprache;E-Mail\nM-1;Jörg Groß;Wohnungseigentümer;de;joerg@example.com\n",
		"with a mark": "\ufeffNummer;Name;Art;Sprache;E-Mail\r\nM-1;\"Jörg Groß\";wohnungseigentümer;de;joerg@example.com\r\n",
		"commas":      "Name,Number,E-mail,Type,Language\n Jörg Groß ,M-1,joerg@example.com,Owner,de\n",
		"tabs":        "Nutzernummer\tName\tNutzertyp\tSprache\tE-Mail-Adresse\nM-1\tJörg Groß\tOwner\tde\tjoerg@example.com\n",
		"empty rows":  "Nummer;Name;Art;Sprache;E-Mail\nM-1;Jörg Groß;Wohnungseigentümer;de;joerg@example.com\n;;;;\n\n ; ;\n",
		"UTF-16":      utf16("Number,Name,Type,Language,E-mail\r\nM-1,Jörg Groß,Owner,de,joerg@example.com\r\n"),
		"Excel":       "Nummer;Name;Art;Sprache;E-Mail\nM-1;J\xf6rg Gro\xdf;Wohnungseigent\xfcmer;de;joerg@example.com\n",
	} {
		rows, ignored, err := readRows([]byte(file))
		if err != nil || len(rows) != 1 || len(ignored) > 0 || rows[0].line != 2 {
			t.Errorf("%s: %v, %v", name, rows, err)
			continue
		}
		user := rows[0].user("form", pb.Invite_INVITE_LATER, pb.Target_TARGET_APP)
		if user.GetUserId() != "M-1" || user.GetDisplayName() != "Jörg Groß" || user.GetType() != pb.UserType_USER_TYPE_OWNER ||
			user.GetLocale() != "de" || user.GetEmail() != "joerg@example.com" {
			t.Errorf("%s: the user is %v", name, user)
		}
	}
}

// utf16 writes a text as Excel does that calls it Unicode.
func utf16(text string) string {
	encoded, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	return encoded
}

// TestIgnoredColumns: what nobody reads is told, and an address never gets lost
// because its column has another name.
func TestIgnoredColumns(t *testing.T) {
	t.Parallel()
	_, ignored, err := readRows([]byte("Name; Telefon ;Mail;;E-Mail\nAnna;1;2;3;anna@example.com\n"))
	if want := []string{"Telefon", "Mail"}; err != nil || !slices.Equal(ignored, want) {
		t.Errorf("ignored are %q, %v; want %q", ignored, err, want)
	}
}

// TestBrokenLine: who has to mend a file is told where.
func TestBrokenLine(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"Name;Art\nAnna;\nKarl \"der Große\";Mieter\n": "Zeile 3 ",
		"Name;Art\nAnna;\n\"Karl;Mieter\nPetra;\n":     "Zeile 3 ",
		"Name\n" + strings.Repeat("Anna\n", 5000):      "5000 Nutzer",
		"Name;Art\n;\n": "steht niemand",
	} {
		_, _, err := readRows([]byte(file))
		if said := problem(page.German, err); !strings.Contains(said, want) {
			t.Errorf("%.40q: %q does not say %q", file, said, want)
		}
	}
}

// TestWhyNoUser: a line that is refused says what to mend in it.
func TestWhyNoUser(t *testing.T) {
	t.Parallel()
	refused := func(reason pb.ErrorReason, fields ...string) string {
		result := &pb.BatchCreateUsersResult{Reason: reason}
		for _, field := range fields {
			result.FieldViolations = append(result.FieldViolations, &pb.FieldViolation{Field: field, Description: "must be new"})
		}
		return whyNoUser(page.English, result)
	}
	for said, want := range map[string]string{
		refused(pb.ErrorReason_USER_EXISTS):                            "This user number is taken.",
		refused(pb.ErrorReason_EMAIL_INVALID, "email"):                 "This is not a valid e-mail address. (an e-mail address such as anna@example.com)",
		refused(pb.ErrorReason_INVALID_FIELD, "type", "of_the_future"): "tenant, owner, employee or service provider; of_the_future must be new",
	} {
		if said != want {
			t.Errorf("%q, want %q", said, want)
		}
	}
}

// TestRowsWithout: what a line may leave out, and what a file may not.
func TestRowsWithout(t *testing.T) {
	t.Parallel()
	rows, _, err := readRows([]byte("Name\nAnna\nKarl\n"))
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", rows, err)
	}
	for i, want := range []string{"12345678-2", "12345678-3"} { // again the same when the form is sent again
		user := rows[i].user("12345678-abcd", pb.Invite_INVITE_LATER, pb.Target_TARGET_APP)
		if user.GetUserId() != want || user.GetType() != pb.UserType_USER_TYPE_TENANT {
			t.Errorf("the user is %v", user)
		}
	}
	for name, file := range map[string]string{
		"nothing":      "",
		"no names":     "Nummer;E-Mail\n1;a@example.com\n",
		"no users":     "Name\n",
		"too many":     "Name\n" + strings.Repeat("Anna\n", 1001),
		"no CSV":       "Name;Art\n\"Anna\n",
		"another type": "PK\x03\x04",
	} {
		if rows, _, err := readRows([]byte(file)); err == nil {
			t.Errorf("%s is read as %d users", name, len(rows))
		}
	}
}
