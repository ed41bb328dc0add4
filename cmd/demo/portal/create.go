package portal

import (
	"crypto/rand"
	"net/http"
	"strings"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// newView is the form for a new user, as it was filled in.
type newView struct {
	User    *pb.CreateUserRequest
	Refusal *refusal
}

func (p *Portal) newUser(w http.ResponseWriter, r *http.Request) error {
	p.pages.Show(w, r, http.StatusOK, "new.html", newView{User: &pb.CreateUserRequest{
		UserId: newNumber(), Type: pb.UserType_USER_TYPE_TENANT, Invite: pb.Invite_INVITE_NOW, Target: pb.Target_TARGET_APP,
	}})
	return nil
}

// createUser makes a user known and, if that was chosen, invites them in the same
// call: either both happens or nothing.
func (p *Portal) createUser(w http.ResponseWriter, r *http.Request) error {
	user := &pb.CreateUserRequest{
		OrganizationId: organization,
		UserId:         strings.TrimSpace(r.PostFormValue("user_id")),
		Type:           chosen[pb.UserType](r, "type", pb.UserType_value),
		DisplayName:    strings.TrimSpace(r.PostFormValue("display_name")),
		Locale:         r.PostFormValue("locale"),
		Email:          strings.TrimSpace(r.PostFormValue("email")),
		Invite:         chosen[pb.Invite](r, "invite", pb.Invite_value),
		Target:         target(r),
		RequestId:      r.PostFormValue("request_id"),
		Actor:          operator,
	}
	if _, err := p.service.CreateUser(r.Context(), user); err != nil {
		p.pages.Show(w, r, httpStatus(err), "new.html", newView{User: user, Refusal: refusalOf(r, err)})
		return nil
	}
	done := "created"
	if user.Invite == pb.Invite_INVITE_NOW {
		done = "invited"
	}
	http.Redirect(w, r, userURL(user.UserId)+"?done="+done, http.StatusSeeOther)
	return nil
}

// newNumber proposes a user's number. It has nothing of the person in it: ids stand
// in logs.
func newNumber() string { return strings.ToLower(rand.Text()[:8]) }
