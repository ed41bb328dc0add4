package sendgridtest

import (
	"embed"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxListed is how many mails the list shows; the API has all.
const maxListed = 200

//go:embed page
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"clock":   func(t time.Time) string { return t.Local().Format("2 Jan 15:04:05 MST") },
	"initial": initial,
	"pieces":  pieces,
	"preview": preview,
}).ParseFS(pageFiles, "page/*.html"))

const (
	// pagePolicy lets our own pages do what they need: no script at all.
	pagePolicy = "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// mailPolicy is for a mail's HTML, which anybody may have written. It
	// runs nothing and fetches nothing; its links open outside of the frame.
	mailPolicy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

func (e *Emulator) pageList(w http.ResponseWriter, _ *http.Request) {
	all := e.Messages()
	slices.Reverse(all)
	render(w, "list.html", map[string]any{
		"Total":    len(all),
		"Messages": all[:min(len(all), maxListed)],
	})
}

func (e *Emulator) pageMessage(w http.ResponseWriter, r *http.Request) {
	m, ok := e.Find(withID(r.PathValue("id")))
	if !ok {
		pageHeaders(w, pagePolicy)
		w.WriteHeader(http.StatusNotFound)
		_ = pages.ExecuteTemplate(w, "gone.html", nil)
		return
	}
	view := r.URL.Query().Get("view")
	if view != "text" && view != "details" {
		view = "html"
	}
	if view == "html" && m.HTML == "" {
		view = "text"
	}
	render(w, "message.html", map[string]any{"Message": m, "View": view})
}

// pageHTML is the mail's own HTML, for the frame in pageMessage.
func (e *Emulator) pageHTML(w http.ResponseWriter, r *http.Request) {
	m, ok := e.Find(withID(r.PathValue("id")))
	if !ok {
		http.NotFound(w, r)
		return
	}
	pageHeaders(w, mailPolicy)
	_, _ = w.Write([]byte(linksOutside(m.HTML)))
}

func pageStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, pageFiles, "page/style.css")
}

func render(w http.ResponseWriter, name string, data any) {
	pageHeaders(w, pagePolicy)
	_ = pages.ExecuteTemplate(w, name, data)
}

func pageHeaders(w http.ResponseWriter, policy string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

var headTag = regexp.MustCompile(`(?i)<head(\s[^>]*)?>`)

// linksOutside makes links open in a new tab, as a mail program's do.
func linksOutside(html string) string {
	const base = `<base target="_blank">`
	at := headTag.FindStringIndex(html)
	if at == nil {
		return html + base // counts there too, and keeps the doctype first
	}
	return html[:at[1]] + base + html[at[1]:]
}

// piece is a part of a text; URL is empty when it is no link.
type piece struct{ Text, URL string }

var webLink = regexp.MustCompile(`https?://[^\s<>"]+[^\s<>".,:;!?)]`)

func pieces(text string) []piece {
	var all []piece
	end := 0
	for _, at := range webLink.FindAllStringIndex(text, -1) {
		link := text[at[0]:at[1]]
		all = append(all, piece{Text: text[end:at[0]]}, piece{Text: link, URL: link})
		end = at[1]
	}
	return append(all, piece{Text: text[end:]})
}

func preview(text string) string {
	words := []rune(strings.Join(strings.Fields(text), " "))
	return string(words[:min(len(words), 140)])
}

func initial(m Message) string {
	for _, r := range m.ToName + m.To {
		return strings.ToUpper(string(r))
	}
	return ""
}
