package access_test

import (
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// TestPolicyRefused: what authz would read otherwise than it was meant.
func TestPolicyRefused(t *testing.T) {
	t.Parallel()
	const (
		ally = `"source":{"principals":["spiffe://kiwi.ki/ops"]}`
		path = `"request":{"paths":["/a.B/C"]}`
	)
	w := newWorld(t)
	for text, problem := range map[string]string{
		``:                              "EOF",
		`{"name":"p"}`:                  `"allow_rules" is not present`,
		`{"name":"p","allow_rules":[]}`: `"allow_rules" is not present`,
		allow(`{"name":"a",`+ally+`,`+path+`}`) + `{}`:                                                                    "after top-level value",
		allow(`{"name":"a",` + ally + `,` + path + `,"x":1}`):                                                             "unknown field",
		allow(`{` + ally + `,` + path + `}`):                                                                              `"name" is not present`,
		allow(`{"name":"a",` + path + `}`):                                                                                "allow everybody",
		allow(`{"name":"a","source":{"principals":[]},` + path + `}`):                                                     "allow everybody",
		allow(`{"name":"a",` + ally + `}`):                                                                                "allow every method",
		allow(`{"name":"a",` + ally + `,` + path + `},{"name":"a",` + ally + `,` + path + `}`):                            "two rules",
		allow(`{"name":"a","source":{"principals":["spiffe://*/ops"]},` + path + `}`):                                     "a star",
		allow(`{"name":"a","source":{"principals":["*"]},"request":{"paths":["*"]}}`):                                     "let everybody call",
		allow(`{"name":"a","source":{"principals":["x","*"]},"request":{"paths":["/grpc.health.v1.Health/*","/a.B/C"]}}`): "let everybody call",
		allow(`{"name":"a",` + ally + `,"request":{"paths":["*B*"]}}`):                                                    "a star",
		`{"deny_rules":[{"name":"d"},{"name":"d"}],` + allow(`{"name":"a",` + ally + `,` + path + `}`)[1:]:                "two rules",
	} {
		write(t, w.path("policy.json"), []byte(text))
		refused(t, w.config(), problem)
	}
}

func allow(rules string) string { return `{"name":"p","allow_rules":[` + rules + `]}` }

// TestPolicyOfDNSNames: callers may be named so, too, and one that has a URI is
// called by that alone.
func TestPolicyOfDNSNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	write(t, w.path("policy.json"), []byte(allow(`{
		"name":"portal","source":{"principals":["portal.kiwi.ki","CN=portal.kiwi.ki",""]},"request":{"paths":["*"]}}`)))
	w.access.Reload()
	for name, test := range map[string]struct {
		cert   []edit
		code   codes.Code
		caller string
	}{
		"DNS":                {[]edit{dns("portal.kiwi.ki")}, codes.OK, "portal.kiwi.ki"},
		"DNS, other CN":      {[]edit{dns("portal.kiwi.ki"), cn("app")}, codes.OK, "portal.kiwi.ki"},
		"other DNS":          {[]edit{dns("app.kiwi.ki")}, codes.PermissionDenied, ""},
		"DNS below it":       {[]edit{dns("x.portal.kiwi.ki")}, codes.PermissionDenied, ""},
		"DNS for all":        {[]edit{dns("*.kiwi.ki")}, codes.PermissionDenied, ""},
		"DNS and a URI":      {[]edit{dns("portal.kiwi.ki"), uri(portal)}, codes.PermissionDenied, ""},
		"DNS among others":   {[]edit{dns("app.kiwi.ki", "portal.kiwi.ki")}, codes.Unauthenticated, ""},
		"CN that is allowed": {[]edit{cn("portal.kiwi.ki")}, codes.Unauthenticated, ""},
		"nothing":            {nil, codes.Unauthenticated, ""},
	} {
		conn := w.dial(w.as(w.ca.client(t, test.cert...)))
		for _, method := range []string{getUser, healthpb.Health_Check_FullMethodName} {
			caller, err := call(t.Context(), conn, method)
			if got := fmt.Sprint(caller, status.Code(err)); got != fmt.Sprint(test.caller, test.code) {
				t.Errorf("%s: got %s, %v, want %s, %v", name, caller, err, test.caller, test.code)
			}
		}
	}
}

// TestDenyRule shuts out an identity that an allow rule lets in.
func TestDenyRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn := w.dial(w.named(portal))
	want(t, conn, codes.OK)
	write(t, w.path("policy.json"), []byte(`{"deny_rules":[{"name":"stolen","source":{"principals":["`+portal+`"]}}],`+
		allow(`{"name":"all","source":{"principals":["spiffe://*"]},"request":{"paths":["*"]}}`)[1:]))
	w.access.Reload()
	want(t, conn, codes.PermissionDenied)
	want(t, w.dial(w.named(app)), codes.OK)
}
