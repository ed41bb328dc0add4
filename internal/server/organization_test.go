package server_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

func (s *stack) describe(req *pb.UpdateOrganizationRequest, fields ...string) (*pb.Organization, error) {
	req.OrganizationId, req.UpdateMask = org, mask(fields...)
	resp, err := s.UpdateOrganization(s.t.Context(), req)
	return resp.GetOrganization(), err
}

// TestOrganization: one that was never described is fine; an update changes what
// its mask names, and an empty value takes away.
func TestOrganization(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	resp, err := s.GetOrganization(t.Context(), &pb.GetOrganizationRequest{OrganizationId: org})
	must(t, err)
	if got := resp.GetOrganization(); got.GetId() != org || got.GetName() != "" {
		t.Errorf("never described, it is %v", got)
	}
	full := &pb.UpdateOrganizationRequest{
		Name: "Wohnen.de GmbH", ReplyTo: "Info@MÜLLER.example", Contact: "Tel. 030 1234, werktags 8 bis 12", Imprint: []string{"Wohnen.de GmbH", "HRB 1"}, DefaultLocale: "de-AT",
	}
	got, err := s.describe(full, "name", "reply_to", "contact", "imprint", "default_locale")
	must(t, err)
	if got.GetName() != full.GetName() || got.GetReplyTo() != "Info@müller.example" || got.GetContact() != full.GetContact() || len(got.GetImprint()) != 2 || got.GetDefaultLocale() != "de-AT" {
		t.Errorf("got %v", got)
	}
	got, err = s.describe(&pb.UpdateOrganizationRequest{Name: "immo.berlin Verwaltungs GmbH"}, "name", "reply_to", "imprint")
	must(t, err)
	if got.GetName() != "immo.berlin Verwaltungs GmbH" || got.GetReplyTo() != "" || len(got.GetImprint()) != 0 || got.GetContact() != full.GetContact() {
		t.Errorf("got %v", got)
	}
	if n := s.count(`SELECT count(*) FROM events WHERE type = 'ORGANIZATION_CHANGED' AND user_id IS NULL`); n != 2 {
		t.Errorf("%d events tell of it, want 2", n)
	}
	_, err = s.describe(&pb.UpdateOrganizationRequest{ReplyTo: "x"}, "reply_to")
	want(t, err, codes.InvalidArgument, pb.ErrorReason_EMAIL_INVALID)
}

// TestOrganizationsKeepTheirNames: whoever creates users meanwhile, and the name is
// in what a landing page shows.
func TestOrganizationsKeepTheirNames(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { s.person(pb.UserType_USER_TYPE_TENANT) })
	}
	all.Go(func() {
		_, err := s.describe(&pb.UpdateOrganizationRequest{Name: "Hausverwaltung Süd"}, "name")
		must(t, err)
	})
	all.Wait()
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	resp, err := s.Preview(t.Context(), &pb.PreviewRequest{Token: s.shared(id, app)})
	must(t, err)
	if resp.GetOrganizationName() != "Hausverwaltung Süd" || resp.GetOrganizationId() != org || resp.GetUserId() != id {
		t.Errorf("the landing page shows %v", resp)
	}
}

// TestNames: what people and firms are called.
func TestNames(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for i, name := range []string{"Wohnen.de GmbH", "immo.berlin Verwaltungs GmbH", "@home Immobilien", "Zi.Nr.12", "نرگس می\u200cخواهد", strings.Repeat("ä", 200), "O'Brien & Söhne"} {
		resp, err := s.CreateUser(t.Context(), newcomer(fmt.Sprintf("n%d", i), func(r *pb.CreateUserRequest) { r.DisplayName = name }))
		must(t, err)
		got, err := s.describe(&pb.UpdateOrganizationRequest{Name: name}, "name")
		must(t, err)
		if resp.GetUser().GetDisplayName() != name || got.GetName() != name {
			t.Errorf("%q became %q and %q", name, resp.GetUser().GetDisplayName(), got.GetName())
		}
	}
}

// TestLocales: any language is kept as it was given; without one the organization's
// counts.
func TestLocales(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for i, locale := range []string{"de-AT", "en-GB", "fr", "tr", "DE", "zh-Hant-TW", "sr-Latn", "de-CH-1996"} {
		resp, err := s.CreateUser(t.Context(), newcomer(fmt.Sprintf("l%d", i), func(r *pb.CreateUserRequest) { r.Locale = locale }))
		must(t, err)
		if got := resp.GetUser().GetLocale(); got != locale {
			t.Errorf("%q became %q", locale, got)
		}
	}
	id := s.person(pb.UserType_USER_TYPE_TENANT)
	if got := s.user(id).GetLocale(); got != string(invitation.German) {
		t.Errorf("without any it is %q", got)
	}
	_, err := s.describe(&pb.UpdateOrganizationRequest{DefaultLocale: "en-GB"}, "default_locale")
	must(t, err)
	if got := s.user(id).GetLocale(); got != "en-GB" {
		t.Errorf("without one of their own it is %q", got)
	}
}

// TestIDs: as the portal's other systems make them.
func TestIDs(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for _, id := range []string{"auth0|5f7c", `DOMAIN\anna`, "-a", "a/b", "{3f}", strings.Repeat("x", 128)} {
		_, err := s.CreateUser(t.Context(), &pb.CreateUserRequest{
			OrganizationId: id, UserId: id, Type: pb.UserType_USER_TYPE_OWNER, DisplayName: "Erika", Invite: pb.Invite_INVITE_LATER, Actor: id,
		})
		must(t, err)
		_, err = s.GetUser(t.Context(), &pb.GetUserRequest{OrganizationId: id, UserId: id})
		must(t, err)
	}
}
