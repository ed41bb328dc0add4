package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/mail"
)

// previewMail writes a mail as its reader will see it, with invented names and a
// link that opens nothing, to a file: HTML, or plain text if its name ends so.
func previewMail(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("invitationd mail preview", flag.ContinueOnError)
	flags.SetOutput(stderr)
	locale := flags.String("locale", "de", "the reader's language, such as de-AT")
	target := flags.String("target", "app", "what to invite to: app or portal")
	reminder := flags.Bool("reminder", false, "write the reminder")
	name := flags.String("name", "Anna Schmidt", "the invited person")
	organization := flags.String("organization", "Hausverwaltung Müller", "the property manager; may be empty")
	out := flags.String("o", "mail.html", "the file: .html or .txt")
	if err := parse(flags, args); err != nil {
		return err
	}
	m := invitation.Mail{
		Reminder: *reminder, Target: invitation.TargetApp, Language: invitation.Locale(*locale),
		To: invitation.NewEmail("anna@example.com", "anna@example.com"), DisplayName: *name, Organization: invitation.Organization{Name: *organization},
		Link:      invitation.NewLink("https://app.kiwi.example/i/" + strings.Repeat("A", invitation.TokenChars)),
		ExpiresAt: time.Now().Add(14 * 24 * time.Hour),
	}
	switch {
	case *target == "portal":
		m.Target = invitation.TargetPortal
	case *target != "app":
		return fmt.Errorf("there is no target %q", *target)
	}
	message, err := mail.Render(m)
	if err != nil {
		return err
	}
	text := message.HTML
	switch filepath.Ext(*out) {
	case ".html":
	case ".txt":
		text = "Subject: " + message.Subject + "\n\n" + message.Text
	default:
		return errors.New("the file's name has to end in .html or .txt")
	}
	if err := os.WriteFile(*out, []byte(text), 0o644); err != nil { //nolint:gosec // it is for others to look at
		return fmt.Errorf("write the mail: %w", err)
	}
	return nil
}
