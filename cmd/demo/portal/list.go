package portal

import (
	"net/http"
	"net/url"
	"strings"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// listView is the page of all users.
type listView struct {
	Users []*pb.User
	// URL leads to this page, and Next to the one after; empty on the last.
	URL, Next string
	// What was looked for.
	Query       string
	Status      pb.AccountStatus
	Deactivated bool
	Done        string
}

// list shows users, or those that were looked for: by number or address, by
// status. The service has an index for each, but none for names: a portal that
// looks for those asks its own database.
func (p *Portal) list(w http.ResponseWriter, r *http.Request) error {
	view := listView{
		Query:       strings.TrimSpace(r.FormValue("q")),
		Status:      chosen[pb.AccountStatus](r, "status", pb.AccountStatus_value),
		Deactivated: r.FormValue("status") == "deactivated",
		Done:        r.FormValue("done"),
	}
	request := &pb.ListUsersRequest{
		OrganizationId: organization, AccountStatus: view.Status, PageToken: r.FormValue("page"),
	}
	if view.Deactivated {
		request.Deactivated = &view.Deactivated
	}
	switch {
	case strings.Contains(view.Query, "@"):
		request.Email = view.Query
	case view.Query != "":
		request.UserIds = strings.Fields(view.Query)
	}
	response, err := p.service.ListUsers(r.Context(), request)
	if err != nil {
		return err
	}
	view.Users = response.GetUsers()
	here := r.URL.Query()
	here.Del("done") // which is said once
	view.URL = (&url.URL{Path: "/", RawQuery: here.Encode()}).String()
	if token := response.GetNextPageToken(); token != "" {
		view.Next = "/?" + url.Values{"q": {view.Query}, "status": {r.FormValue("status")}, "page": {token}}.Encode()
	}
	p.pages.Show(w, r, http.StatusOK, "list.html", view)
	return nil
}

// batchView is what became of the users that were chosen on the list.
type batchView struct {
	Action  pb.Action // none: info sheets
	Target  pb.Target
	Results any // of BatchSend or GenerateInfoSheets
	Users   map[string]*pb.User
	Sheets  *sheets
}

// batch invites the chosen users, renews their invitations, or prints their info
// sheets. Each has a result: one user's refusal is no other's.
func (p *Portal) batch(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	view := batchView{Action: chosen[pb.Action](r, "action", pb.Action_value), Target: target(r), Users: map[string]*pb.User{}}
	ids := r.PostForm["user"]
	if len(ids) == 0 {
		http.Redirect(w, r, "/?done=none", http.StatusSeeOther)
		return nil
	}
	if r.PostFormValue("action") == "sheets" {
		sheets, err := p.generateSheets(r.Context(), view.Target, ids, r.PostFormValue("request_id"))
		if err != nil {
			return err
		}
		view.Sheets, view.Results = sheets, sheets.results
	} else {
		response, err := p.service.BatchSend(r.Context(), &pb.BatchSendRequest{
			OrganizationId: organization, UserIds: ids, Target: view.Target, Action: view.Action,
			RequestId: r.PostFormValue("request_id"), Actor: operator,
		})
		if err != nil {
			return err
		}
		view.Results = response.GetResults()
	}
	users, err := p.service.ListUsers(r.Context(), &pb.ListUsersRequest{OrganizationId: organization, UserIds: ids, PageSize: int32(len(ids))})
	if err != nil {
		return err
	}
	for _, user := range users.GetUsers() {
		view.Users[user.GetId()] = user
	}
	p.pages.Show(w, r, http.StatusOK, "batch.html", view)
	return nil
}
