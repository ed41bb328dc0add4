package portal

import (
	"strings"
	"testing"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestReadRows: files as spreadsheets write them, in either language.
func TestReadRows(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"semicolons":  "Nummer;Name;Art;Sprache;E-Mail\nM-1;Jörg Groß;Wohnungseigentümer;de;joerg@example.com\n",
		"with a mark": "\ufeffNummer;Name;Art;Sprache;E-Mail\r\nM-1;\"Jörg Groß\";wohnungseigentümer;de;joerg@example.com\r\n",
		"commas":      "Name,Number,E-mail,Type,Language\n Jörg Groß ,M-1,joerg@example.com,Owner,de\n",
		"Excel":       "Nummer;Name;Art;Sprache;E-Mail\nM-1;J\xf6rg Gro\xdf;Wohnungseigent\xfcmer;de;joerg@example.com\n",
	} {
		rows, err := readRows([]byte(file))
		if err != nil || len(rows) != 1 || rows[0].line != 2 {
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

// TestRowsWithout: what a line may leave out, and what a file may not.
func TestRowsWithout(t *testing.T) {
	t.Parallel()
	rows, err := readRows([]byte("Name\nAnna\nKarl\n"))
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
		if rows, err := readRows([]byte(file)); err == nil {
			t.Errorf("%s is read as %d users", name, len(rows))
		}
	}
}
