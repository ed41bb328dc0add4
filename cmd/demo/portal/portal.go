// Package portal is an example of the KIWI portal's backend: it administers one
// property manager's users and invites them. What it shows is the service's to
// say; it has no rules of its own, and no memory.
package portal

import (
	"context"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/kiwi-ki/invitations/cmd/demo/page"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// A real portal takes both from who is logged in.
const (
	organization = "demo"
	operator     = "demo-operator"
)

// patience is how long somebody looks at a page that does not come.
const patience = 30 * time.Second

//go:embed templates portal.js
var files embed.FS

// Portal answers a property manager's browsers.
type Portal struct {
	service *client.Client
	pages   page.Set
	trail   *trail
}

// New returns the portal's pages. It follows the audit trail until the context
// ends. The inbox is the address of a page with all mails; it may be empty.
func New(ctx context.Context, service *client.Client, inbox string) http.Handler {
	templates, err := fs.Sub(files, "templates")
	if err != nil {
		panic(err) // the folder is built in
	}
	p := &Portal{service: service, trail: newTrail()}
	p.pages = page.Parse(templates, func(lang page.Lang) template.FuncMap {
		return template.FuncMap{
			"inbox":  func() string { return inbox },
			"word":   func(value any) string { return word(lang, value) },
			"status": func(u *pb.User) string { return standing(lang, u) },
			"reason": func(reason pb.ErrorReason, delay *durationpb.Duration) string { return whyOne(lang, reason, delay) },

			"tone":       tone,
			"userURL":    userURL,
			"eventsURL":  eventsURL,
			"invitation": invitation,
			"entry":      newEntry,
			"types":      func() []pb.UserType { return userTypes },
			"statuses":   func() []pb.AccountStatus { return statuses },
			"languages":  func() []language { return languages },
		}
	})
	go p.trail.follow(ctx, service)
	return p.routes()
}

func (p *Portal) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /{$}":           p.list,
		"GET /new":           p.newUser,
		"POST /new":          p.createUser,
		"GET /import":        p.newImport,
		"POST /import":       p.importUsers,
		"POST /batch":        p.batch,
		"GET /users/{id}":    p.user,
		"POST /users/{id}":   p.change,
		"GET /organization":  p.showOrganization,
		"POST /organization": p.updateOrganization,
		"/":                  p.noPage,
	} {
		mux.Handle(pattern, p.page(answer))
	}
	mux.HandleFunc("GET /events", p.events)
	mux.HandleFunc("GET /style.css", page.Style)
	mux.HandleFunc("GET /portal.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "portal.js")
	})
	return mux
}

// page gives an answer its time, and tells the reader when there is none.
func (p *Portal) page(answer func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		if err := answer(w, r.WithContext(ctx)); err != nil {
			p.pages.Show(w, r, httpStatus(err), "problem.html", refusalOf(r, err))
		}
	})
}

// userURL is where a user's page is: ids may have any character in them.
func userURL(id string) string { return "/users/" + url.PathEscape(id) }

// noPage is for addresses that lead nowhere.
func (p *Portal) noPage(w http.ResponseWriter, r *http.Request) error {
	said := page.Words{"Diese Seite gibt es nicht.", "There is no such page."}.In(page.LangOf(r))
	p.pages.Show(w, r, http.StatusNotFound, "problem.html", &refusal{Text: said})
	return nil
}

// chosen reads a value of one of the API's enums out of a form, by its name.
func chosen[E ~int32](r *http.Request, field string, values map[string]int32) E {
	return E(values[r.FormValue(field)])
}

func target(r *http.Request) pb.Target { return chosen[pb.Target](r, "target", pb.Target_value) }
