// Package app is an example of the KIWI app's backend: where the links of
// invitations lead. It shows who invites whom, and redeems a link when that person
// says so.
package app

import (
	"context"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"google.golang.org/grpc/status"

	"github.com/kiwi-ki/invitations/cmd/demo/page"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// patience is how long somebody looks at a page that does not come.
const patience = 10 * time.Second

//go:embed templates
var files embed.FS

// App answers the browsers of people who open a link.
type App struct {
	service *client.Client
	pages   page.Set
}

// New returns the app's pages. Links lead to /i/ and end with their token.
func New(service *client.Client) http.Handler {
	templates, err := fs.Sub(files, "templates")
	if err != nil {
		panic(err) // the folder is built in
	}
	a := &App{service: service, pages: page.Parse(templates, func(page.Lang) template.FuncMap { return nil })}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { a.pages.Show(w, r, http.StatusOK, "home.html", nil) })
	mux.HandleFunc("GET /i/{token}", a.land)
	mux.HandleFunc("POST /i/{token}", a.redeem)
	mux.HandleFunc("GET /style.css", page.Style)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.showEnd(w, r, noPage) })
	return mux
}

// land shows what a link is for. That consumes nothing, however often it is opened:
// programs that look for viruses open the links of mails too.
func (a *App) land(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	invitation, err := a.service.Preview(ctx, &pb.PreviewRequest{Token: r.PathValue("token")})
	if err != nil {
		a.showDead(w, r, err)
		return
	}
	a.pages.Show(w, r, http.StatusOK, "landing.html", invitation)
}

// redeem consumes the link. The form's request_id makes it safe to send twice: the
// same tap gets the same answer.
func (a *App) redeem(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	redeemed, err := a.service.Redeem(ctx, &pb.RedeemRequest{
		Token: r.PathValue("token"), RequestId: r.PostFormValue("request_id"),
	})
	if err != nil {
		a.showDead(w, r, err)
		return
	}
	a.pages.Show(w, r, http.StatusOK, "in.html", redeemed)
}

// showDead says why a link does not work, and what to do. The log has the reason:
// links and people are nobody's to read.
func (a *App) showDead(w http.ResponseWriter, r *http.Request, err error) {
	reason := client.Reason(err)
	end, known := ends[reason]
	if !known {
		slog.Error("a link could not be looked at", "code", status.Code(err), "reason", reason)
		end = noAnswer
	}
	a.showEnd(w, r, end)
}

func (a *App) showEnd(w http.ResponseWriter, r *http.Request, end end) {
	lang := page.LangOf(r)
	a.pages.Show(w, r, end.status, "dead.html", map[string]string{"Title": end.title.In(lang), "Advice": end.advice.In(lang)})
}
