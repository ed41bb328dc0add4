package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestGuard: other sites, and names of theirs that lead here, get nothing.
func TestGuard(t *testing.T) {
	t.Parallel()
	guarded := Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	for name, c := range map[string]struct {
		method, host, origin string
		want                 int
	}{
		"a page":              {"GET", "127.0.0.1:8023", "", http.StatusOK},
		"localhost":           {"GET", "localhost:8023", "", http.StatusOK},
		"IPv6":                {"GET", "[::1]:8023", "", http.StatusOK},
		"a form":              {"POST", "127.0.0.1:8023", "http://127.0.0.1:8023", http.StatusOK},
		"another site's form": {"POST", "127.0.0.1:8023", "https://evil.example", http.StatusForbidden},
		"another port's form": {"POST", "127.0.0.1:8023", "http://127.0.0.1:8024", http.StatusForbidden},
		"another's name":      {"GET", "evil.example:8023", "", http.StatusForbidden},
		"another machine":     {"GET", "192.0.2.1:8023", "", http.StatusForbidden},
	} {
		r := httptest.NewRequest(c.method, "/i/token", strings.NewReader(""))
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s is answered with %d, want %d", name, w.Code, c.want)
		}
		if h := w.Header(); h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" ||
			strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: the headers are %v", name, h)
		}
	}
}

// TestLanguage: the reader's choice, else the browser's, else German; and choosing
// leads nowhere else.
func TestLanguage(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]Lang{"": German, "en-GB,en;q=0.9": English, "tr": German, "de-AT, en": German, "junk,,;": German} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", accept)
		if got := LangOf(r); got != want {
			t.Errorf("%q reads %q", accept, got)
		}
	}
	for path, want := range map[string]string{"/users/a%2Fb": "/users/a%2Fb", "//evil.example/": "/evil.example/"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8023"+path+"?lang=en", nil)
		choose(http.NotFoundHandler()).ServeHTTP(w, r)
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("choosing on %s leads to %q", path, got)
		}
	}
}
