package sendgridtest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// net/http lingers for half a second where it hung up on a large body.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

const key = "SG.test"

// valid is a request that SendGrid takes; %TO% stands for the recipient.
const valid = `{
	"personalizations": [{"to": [{"email": "%TO%", "name": "Anna Muster"}], "custom_args": {"delivery_id": "d-1"}}],
	"from": {"email": "no-reply@kiwi.test", "name": "KIWI"},
	"reply_to": {"email": "help@kiwi.test"},
	"subject": "Your invitation",
	"content": [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello</p>"}],
	"custom_args": {"invitation_id": "i-1"},
	"categories": ["invitation"],
	"tracking_settings": {"click_tracking": {"enable": false, "enable_text": false}, "open_tracking": {"enable": false}}
}`

func mailTo(address string) string { return strings.ReplaceAll(valid, "%TO%", address) }

// client shares no idle connection with other tests.
func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// reply is the head of an answer; the zero value means that there was none.
type reply struct {
	StatusCode int
	Header     http.Header
}

func do(t *testing.T, method, url, body string, header ...string) (reply, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := client(t).Do(request)
	if err != nil {
		return reply{}, "", err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header}, string(answer), err
}

func send(t *testing.T, baseURL, body string) (reply, string, error) {
	t.Helper()
	return do(t, http.MethodPost, baseURL+"/v3/mail/send", body,
		"Authorization", "Bearer "+key, "Content-Type", "application/json")
}

// mustSend sends a valid mail and returns its id.
func mustSend(t *testing.T, baseURL, address string) string {
	t.Helper()
	response, answer, err := send(t, baseURL, mailTo(address))
	if err != nil || response.StatusCode != http.StatusAccepted {
		t.Fatalf("sending: %v, %v %s", err, response, answer)
	}
	return response.Header.Get("X-Message-Id")
}
