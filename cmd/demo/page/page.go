// Package page is what the example portal and the example app share: pages in two
// languages, their style, and the headers that protect them.
package page

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"
	_ "time/tzdata" // not every machine has zones

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"
)

//go:embed head.html style.css
var shared embed.FS

// Set is a set of templates in each language. Its methods are safe for concurrent
// use.
type Set map[Lang]*template.Template

// Parse reads the templates of a folder and those of this package. Beside the
// functions that it is given, they have
//
//	say "deutsch" "english"   the one that the reader understands
//	lang, other               the reader's language, and the one to offer
//	date                      a moment as the reader writes it; "" for none
//	requestID                 a new UUID: sent twice, a form is carried out once
func Parse(files fs.FS, functions func(Lang) template.FuncMap) Set {
	set := Set{}
	for _, lang := range Langs() {
		t := template.New("").Funcs(template.FuncMap{
			"say":       func(de, en string) string { return Words{de, en}.In(lang) },
			"lang":      func() Lang { return lang },
			"other":     lang.other,
			"date":      func(at *timestamppb.Timestamp) string { return date(lang, at) },
			"requestID": uuid.NewString,
		}).Funcs(functions(lang))
		template.Must(t.ParseFS(shared, "head.html"))
		set[lang] = template.Must(t.ParseFS(files, "*.html"))
	}
	return set
}

// Show answers with a page in the reader's language.
func (s Set) Show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var text bytes.Buffer
	if err := s[LangOf(r)].ExecuteTemplate(&text, name, data); err != nil {
		slog.Error("a page could not be written", "page", name, "cause", err)
		http.Error(w, "500", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = text.WriteTo(w)
}

// Style is the style sheet of both examples.
func Style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, shared, "style.css")
}

// berlin is where mails and info sheets have their clocks too.
var berlin = func() *time.Location {
	location, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err) // can't be: the data is linked in
	}
	return location
}()

func date(lang Lang, at *timestamppb.Timestamp) string {
	if at == nil {
		return ""
	}
	layout := Words{"02.01.2006, 15:04", "2 Jan 2006, 15:04"}.In(lang)
	return at.AsTime().In(berlin).Format(layout)
}
