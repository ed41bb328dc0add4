package page

import (
	"net"
	"net/http"
	"net/netip"
)

// policy lets pages load what this server has, and images that are written into
// them; nothing in a page's text is ever run.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxBody is more than any form or list of users needs.
const maxBody = 16 << 20

// Guard keeps an example to this machine's own browsers and pages. A page's
// address may hold a link that lets people in, so no page is kept or told to others.
func Guard(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(choose(next))
	next = http.MaxBytesHandler(next, maxBody)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		if !IsLoopback(r.Host) { // a name of somebody's that leads here
			http.Error(w, "This page is for browsers on the same machine.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// IsLoopback reports whether host:port is on this machine and nowhere else.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
