package sendgrid

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	sendgridgo "github.com/sendgrid/sendgrid-go"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// TestRequest compares the whole request with SendGrid's documented form.
func TestRequest(t *testing.T) {
	t.Parallel()
	const want = `{
		"from": {"email": "no-reply@kiwi.test", "name": "KIWI"},
		"reply_to": {"email": "help@kiwi.test"},
		"subject": "Ihre Einladung 1",
		"personalizations": [{"to": [{"email": "Erika1@xn--mller-kva.example", "name": "Erika Mustermann 1"}]}],
		"content": [
			{"type": "text/plain", "value": "https://kiwi.test/I/TOKEN1\n"},
			{"type": "text/html", "value": "<a href=\"https://kiwi.test/I/TOKEN1\">Tür öffnen</a>"}
		],
		"categories": ["invitation"],
		"custom_args": {
			"delivery_id": "DELIVERY",
			"invitation_id": "INVITATION"
		},
		"headers": {
			"Auto-Submitted": "auto-generated",
			"X-Auto-Response-Suppress": "OOF, AutoReply",
			"X-Entity-Ref-ID": "DELIVERY"
		},
		"mail_settings": {"sandbox_mode": {"enable": false}},
		"tracking_settings": {
			"click_tracking": {"enable": false, "enable_text": false},
			"open_tracking": {"enable": false},
			"subscription_tracking": {"enable": false},
			"ganalytics": {"enable": false}
		}
	}`
	m := message(1)
	client := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
		h := r.Header
		if r.Method != http.MethodPost || r.URL.Path != "/v3/mail/send" ||
			h.Get("Authorization") != "Bearer "+key || h.Get("Content-Type") != "application/json" {
			t.Errorf("request %s %s %v", r.Method, r.URL, h)
		}
		body, _ := io.ReadAll(r.Body)
		want := strings.NewReplacer("DELIVERY", m.DeliveryID.String(), "INVITATION", m.InvitationID.String()).Replace(want)
		if got, want := decoded(t, string(body)), decoded(t, want); !reflect.DeepEqual(got, want) {
			t.Errorf("body %v\nwant %v", got, want)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	if err := client.Send(t.Context(), m); err != nil {
		t.Error(err)
	}
}

// TestRequestOfAnOrganization: answers go to it, an operator may know better than
// the provider's list of bounces, and whoever runs the service than that of
// unsubscribes.
func TestRequestOfAnOrganization(t *testing.T) {
	t.Parallel()
	m := message(1)
	m.ReplyTo, m.DespiteBounce = invitation.NewEmail("post@müller.example", "post@xn--mller-kva.example"), true
	c := config(GlobalURL)
	c.BypassUnsubscribes = true
	body, err := json.Marshal(newClient(t, c).compose(m))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"reply_to":{"email":"post@xn--mller-kva.example"}`, `"bypass_bounce_management":{"enable":true}`, `"bypass_unsubscribe_management":{"enable":true}`,
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the request has no %s: %s", want, body)
		}
	}
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRequestBelowAPath(t *testing.T) {
	t.Parallel()
	client := newClient(t, config("https://proxy.test/sendgrid/"))
	if got := client.request(key, message(1)).BaseURL; got != "https://proxy.test/sendgrid/v3/mail/send" {
		t.Errorf("URL %s", got)
	}
}

func TestNamesAreNoLists(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Erika Mustermann":               "Erika Mustermann",
		"Dr. Jürgen O'Neill-Weiß":        "Dr. Jürgen O'Neill-Weiß",
		"Mustermann, Erika":              "Mustermann Erika",
		"x <eve@example.com>; y":         "x eve example.com y",
		"Erika\r\nBcc: eve@example.com":  "Erika Bcc eve example.com",
		`"Erika" \ M.`:                   "Erika M.",
		"  ,  ":                          "",
		"\u0645\u0631\u062d\u0628\u0627": "\u0645\u0631\u062d\u0628\u0627",
	} {
		if got := plainName(name); got != want {
			t.Errorf("plainName(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestSendGridsClientIsNoneToShare shows why request makes a new one for
// every mail: the mail stays behind in sendgrid-go's client, where another
// goroutine's takes its place between the writing and the sending.
func TestSendGridsClientIsNoneToShare(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that nothing is sent
	client := newClient(t, config(GlobalURL))
	naive := sendgridgo.NewSendClient(key)
	_, _ = naive.SendWithContext(ctx, client.compose(message(1)))
	if !strings.Contains(string(naive.Body), "TOKEN1") {
		t.Error("sendgrid-go keeps no mail any more: a shared client may be safe now")
	}
}
