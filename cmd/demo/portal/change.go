package portal

import (
	"net/http"
	"strings"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// change does to a user what the form's button says. Who does it, and the form's
// request_id, go along: a form that is sent twice is carried out once.
func (p *Portal) change(w http.ResponseWriter, r *http.Request) error {
	do := r.PostFormValue("do")
	changes := map[string]func(*http.Request) error{
		"send": p.send, "renew": p.renew, "revoke": p.revoke, "reset": p.reset, "email": p.updateEmail,
		"update": p.updateUser, "deactivate": p.deactivate, "reactivate": p.reactivate, "erase": p.erase,
	}
	switch {
	case do == "qr":
		return p.shareLink(w, r)
	case do == "svg":
		return p.drawing(w, r)
	case do == "sheet":
		return p.sheet(w, r)
	case changes[do] == nil:
		return p.noPage(w, r)
	}
	if err := changes[do](r); err != nil {
		return p.showUser(w, r, httpStatus(err), userView{
			Refusal: refusalOf(r, err), Dialog: r.PostFormValue("dialog"), Target: target(r), Email: r.PostFormValue("email"),
		})
	}
	next := userURL(r.PathValue("id"))
	if do == "erase" {
		next = "/"
	}
	http.Redirect(w, r, next+"?done="+do, http.StatusSeeOther)
	return nil
}

func (p *Portal) send(r *http.Request) error {
	_, err := p.service.Send(r.Context(), &pb.SendRequest{
		OrganizationId: organization, UserId: r.PathValue("id"), Target: target(r), RequestId: r.PostFormValue("request_id"), Actor: operator,
	})
	return err
}

func (p *Portal) renew(r *http.Request) error {
	_, err := p.service.Renew(r.Context(), &pb.RenewRequest{
		OrganizationId: organization, UserId: r.PathValue("id"), Target: target(r), RequestId: r.PostFormValue("request_id"), Actor: operator,
	})
	return err
}

func (p *Portal) revoke(r *http.Request) error {
	_, err := p.service.Revoke(r.Context(), &pb.RevokeRequest{
		OrganizationId: organization, UserId: r.PathValue("id"), Target: target(r), RequestId: r.PostFormValue("request_id"), Actor: operator,
	})
	return err
}

func (p *Portal) reset(r *http.Request) error {
	_, err := p.service.ResetActivation(r.Context(), &pb.ResetActivationRequest{
		OrganizationId: organization, UserId: r.PathValue("id"), Target: target(r), RequestId: r.PostFormValue("request_id"), Actor: operator,
	})
	return err
}

// updateEmail saves the address and, if the operator wants it, mails an invitation
// there in the same call. It is also the way to mail an address once more to which
// mail did not arrive: despite_bounce.
func (p *Portal) updateEmail(r *http.Request) error {
	_, err := p.service.UpdateEmail(r.Context(), &pb.UpdateEmailRequest{
		OrganizationId: organization,
		UserId:         r.PathValue("id"),
		Email:          strings.TrimSpace(r.PostFormValue("email")),
		FollowUp:       chosen[pb.FollowUp](r, "follow_up", pb.FollowUp_value),
		Target:         target(r),
		DespiteBounce:  r.PostFormValue("despite_bounce") != "",
		RequestId:      r.PostFormValue("request_id"),
		Actor:          operator,
	})
	return err
}

func (p *Portal) updateUser(r *http.Request) error {
	_, err := p.service.UpdateUser(r.Context(), &pb.UpdateUserRequest{
		OrganizationId: organization,
		UserId:         r.PathValue("id"),
		UpdateMask:     &fieldmaskpb.FieldMask{Paths: []string{"display_name", "locale", "type"}},
		DisplayName:    strings.TrimSpace(r.PostFormValue("display_name")),
		Locale:         r.PostFormValue("locale"),
		Type:           chosen[pb.UserType](r, "type", pb.UserType_value),
		RequestId:      r.PostFormValue("request_id"),
		Actor:          operator,
	})
	return err
}

func (p *Portal) deactivate(r *http.Request) error {
	_, err := p.service.DeactivateUser(r.Context(), &pb.DeactivateUserRequest{
		OrganizationId: organization, UserId: r.PathValue("id"), RequestId: r.PostFormValue("request_id"), Actor: operator,
	})
	return err
}

func (p *Portal) reactivate(r *http.Request) error {
	_, err := p.service.ReactivateUser(r.Context(), &pb.ReactivateUserRequest{
		OrganizationId: organization, UserId: r.PathValue("id"), RequestId: r.PostFormValue("request_id"), Actor: operator,
		WithoutEmail: r.PostFormValue("without_email") != "",
	})
	return err
}

func (p *Portal) erase(r *http.Request) error {
	_, err := p.service.EraseUser(r.Context(), &pb.EraseUserRequest{
		OrganizationId: organization, UserId: r.PathValue("id"), RequestId: r.PostFormValue("request_id"), Actor: operator,
	})
	return err
}
