package portal

import (
	"net/http"
	"strings"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// organizationView is what mails say of the property manager.
type organizationView struct {
	Organization *pb.Organization
	Imprint      string // a line each
	Refusal      *refusal
	Done         string
}

func (p *Portal) showOrganization(w http.ResponseWriter, r *http.Request) error {
	response, err := p.service.GetOrganization(r.Context(), &pb.GetOrganizationRequest{OrganizationId: organization})
	if err != nil {
		return err
	}
	p.pages.Show(w, r, http.StatusOK, "organization.html", organizationView{
		Organization: response.GetOrganization(),
		Imprint:      strings.Join(response.GetOrganization().GetImprint(), "\n"),
		Done:         r.FormValue("done"),
	})
	return nil
}

func (p *Portal) updateOrganization(w http.ResponseWriter, r *http.Request) error {
	view := organizationView{Imprint: r.PostFormValue("imprint"), Organization: &pb.Organization{
		Name:          strings.TrimSpace(r.PostFormValue("name")),
		ReplyTo:       strings.TrimSpace(r.PostFormValue("reply_to")),
		Contact:       strings.TrimSpace(r.PostFormValue("contact")),
		Imprint:       lines(r.PostFormValue("imprint")),
		DefaultLocale: r.PostFormValue("default_locale"),
	}}
	_, err := p.service.UpdateOrganization(r.Context(), &pb.UpdateOrganizationRequest{
		OrganizationId: organization,
		UpdateMask:     &fieldmaskpb.FieldMask{Paths: []string{"name", "reply_to", "contact", "imprint", "default_locale"}},
		Name:           view.Organization.GetName(),
		ReplyTo:        view.Organization.GetReplyTo(),
		Contact:        view.Organization.GetContact(),
		Imprint:        view.Organization.GetImprint(),
		DefaultLocale:  view.Organization.GetDefaultLocale(),
		RequestId:      r.PostFormValue("request_id"),
		Actor:          operator,
	})
	if err != nil {
		view.Refusal = refusalOf(r, err)
		p.pages.Show(w, r, httpStatus(err), "organization.html", view)
		return nil
	}
	http.Redirect(w, r, "/organization?done=saved", http.StatusSeeOther)
	return nil
}

// lines are those of a text that have something in them.
func lines(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}
