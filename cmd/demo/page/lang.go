package page

import (
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

// Lang is a language that the examples speak.
type Lang string

// The languages.
const (
	German  Lang = "de"
	English Lang = "en"
)

// Langs are all of them; the first is for readers of others.
func Langs() []Lang { return []Lang{German, English} }

func (l Lang) other() Lang {
	if l == German {
		return English
	}
	return German
}

// Words say one thing in each language, in the order of [Langs].
type Words [2]string

// In returns the words in a language.
func (w Words) In(lang Lang) string {
	if lang == English {
		return w[1]
	}
	return w[0]
}

var matcher = language.NewMatcher([]language.Tag{language.German, language.English})

const cookie = "lang"

// LangOf is the language that the reader chose, or else the browser's.
func LangOf(r *http.Request) Lang {
	chosen := ""
	if c, err := r.Cookie(cookie); err == nil {
		chosen = c.Value
	}
	_, index := language.MatchStrings(matcher, chosen, r.Header.Get("Accept-Language"))
	return Langs()[index]
}

// choose remembers the language that a link with ?lang= asks for.
func choose(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lang := r.URL.Query().Get("lang")
		if r.Method != http.MethodGet || lang == "" {
			next.ServeHTTP(w, r)
			return
		}
		http.SetCookie(w, &http.Cookie{
			Name: cookie, Value: lang, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
		http.Redirect(w, r, "/"+strings.TrimLeft(r.URL.EscapedPath(), "/"), http.StatusSeeOther)
	})
}
