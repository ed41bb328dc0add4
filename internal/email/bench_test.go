package email_test

import (
	"testing"

	"github.com/kiwi-ki/invitations/internal/email"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// BenchmarkRender writes one mail: subject, plain text and HTML.
func BenchmarkRender(b *testing.B) {
	mail := sample(invitation.TargetApp, invitation.German)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := email.Render(mail); err != nil {
			b.Fatal(err)
		}
	}
}
