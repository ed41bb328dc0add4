package portal

import (
	"context"
	"net/http"
	"slices"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// userView is a user's page, and the dialog that is open on it.
type userView struct {
	User   *pb.User
	Events []*pb.Event // newest first

	Dialog string    // by its template; empty if none is open
	Target pb.Target // what the dialog is about
	Email  string    // as it was typed
	Share  *share

	Refusal *refusal
	Done    string
}

// dialogs are those that a link may ask for.
var dialogs = []string{"email", "update", "revoke", "reset", "deactivate", "reactivate", "erase"}

// user shows a user, with the dialog that a link asks for.
func (p *Portal) user(w http.ResponseWriter, r *http.Request) error {
	view := userView{Target: target(r), Done: r.FormValue("done")}
	if dialog := r.FormValue("dialog"); slices.Contains(dialogs, dialog) {
		view.Dialog = dialog
	}
	return p.showUser(w, r, http.StatusOK, view)
}

// showUser reads how the user is now and shows it.
func (p *Portal) showUser(w http.ResponseWriter, r *http.Request, status int, view userView) error {
	id := r.PathValue("id")
	response, err := p.service.GetUser(r.Context(), &pb.GetUserRequest{OrganizationId: organization, UserId: id})
	if err != nil {
		return err
	}
	view.User = response.GetUser()
	if view.Events, err = p.history(r.Context(), id); err != nil {
		return err
	}
	if view.Email == "" {
		view.Email = view.User.GetEmail()
	}
	p.pages.Show(w, r, status, "user.html", view)
	return nil
}

// history is all that happened to a user, newest first.
func (p *Portal) history(ctx context.Context, id string) ([]*pb.Event, error) {
	var events []*pb.Event
	for request := (&pb.ListEventsRequest{OrganizationId: organization, UserId: id, PageSize: 500}); ; {
		response, err := p.service.ListEvents(ctx, request)
		if err != nil {
			return nil, err
		}
		events = append(events, response.GetEvents()...)
		if request.PageToken = response.GetNextPageToken(); request.PageToken == "" {
			slices.Reverse(events)
			return events, nil
		}
	}
}

// invitation is the user's for a target; without an id if there never was one.
func invitation(user *pb.User, target pb.Target) *pb.Invitation {
	for _, invitation := range user.GetInvitations() {
		if invitation.GetTarget() == target {
			return invitation
		}
	}
	return &pb.Invitation{Target: target}
}

// Offered reports whether there is anything to do in the dropdown.
func (v userView) Offered() bool {
	return slices.ContainsFunc(v.User.GetAvailableActions(), func(t *pb.TargetActions) bool { return len(t.GetActions()) > 0 })
}

// Mailable are the targets that the user may be mailed an invitation to.
func (v userView) Mailable() []pb.Target {
	var targets []pb.Target
	for _, t := range v.User.GetAvailableActions() {
		if invitation(v.User, t.GetTarget()).GetState() != pb.InvitationState_INVITATION_STATE_REDEEMED {
			targets = append(targets, t.GetTarget())
		}
	}
	return targets
}

// entry is one of the dropdown: a form that does it at once, or a link to the
// dialog that has to be answered first.
type entry struct {
	Action     pb.Action
	Target     pb.Target
	Do, Dialog string
}

func newEntry(user *pb.User, action pb.Action, target pb.Target) entry {
	e := entry{Action: action, Target: target}
	switch action {
	case pb.Action_ACTION_SEND:
		e.Do = "send"
	case pb.Action_ACTION_RENEW:
		e.Do = "renew"
	case pb.Action_ACTION_REVOKE:
		e.Dialog = "revoke"
	case pb.Action_ACTION_GENERATE_QR:
		e.Do = "qr"
	case pb.Action_ACTION_RESET_ACTIVATION:
		e.Dialog = "reset"
	}
	if mails := e.Do == "send" || e.Do == "renew"; mails && user.GetEmail() == "" {
		e.Dialog = "email"
	}
	return e
}
