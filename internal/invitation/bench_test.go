package invitation_test

import (
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

func BenchmarkSign(b *testing.B) {
	r := ring(b, lineA)
	b.ReportAllocs()
	for b.Loop() {
		_ = r.Sign(someToken)
	}
}

func BenchmarkVerify(b *testing.B) {
	r := ring(b, lineA)
	text := r.Sign(someToken)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Verify(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPseudonym(b *testing.B) {
	r := ring(b, lineA)
	email := invitation.NewEmail("anna@example.com", "anna@example.com")
	b.ReportAllocs()
	for b.Loop() {
		_ = r.Pseudonym(email)
	}
}

var benchTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// tenant is a user as a store hands it to a rule.
func tenant() *invitation.User {
	u := &invitation.User{ID: "anna", OrganizationID: "demo"}
	u.Create(invitation.Tenant, "Anna Schmidt", invitation.German, invitation.NewEmail("anna@example.com", "anna@example.com"), benchTime)
	return u.Clone()
}

// BenchmarkSend is all that a Send costs beside the database and the network:
// the copy that a rule works on, and the rule.
func BenchmarkSend(b *testing.B) {
	u := tenant()
	b.ReportAllocs()
	for b.Loop() {
		if err := u.Clone().Send(invitation.TargetApp, false, benchTime, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRedeem(b *testing.B) {
	u := tenant()
	if err := u.Send(invitation.TargetApp, false, benchTime, time.Hour); err != nil {
		b.Fatal(err)
	}
	token := tokenOf(u.Invitations[invitation.TargetApp], invitation.Mailed)
	b.ReportAllocs()
	for b.Loop() {
		if err := u.Clone().Redeem(token, benchTime); err != nil {
			b.Fatal(err)
		}
	}
}
