package mail_test

import (
	"testing"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/mail"
)

// BenchmarkRender writes one mail: subject, plain text and HTML.
func BenchmarkRender(b *testing.B) {
	m := sample(invitation.TargetApp, invitation.German)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mail.Render(m); err != nil {
			b.Fatal(err)
		}
	}
}
