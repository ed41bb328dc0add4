package sendgrid

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// key is a canary: it must show up in no error and in no print.
const key = "SG.canary-key"

func config(baseURL string) Config {
	return Config{
		APIKey: key, BaseURL: baseURL, Timeout: time.Minute,
		FromAddress: "no-reply@kiwi.test", FromName: "KIWI", ReplyTo: "help@kiwi.test",
	}
}

func newClient(t *testing.T, c Config) *Client {
	t.Helper()
	client, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// serve answers every request with the handler and returns a client for it.
func serve(t *testing.T, change func(*Config), handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c := config(server.URL)
	if change != nil {
		change(&c)
	}
	return newClient(t, c)
}

// message is a mail that can be told from every other one.
func message(n int) invitation.Message {
	return invitation.Message{
		DeliveryID:   uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "delivery %d", n)),
		InvitationID: uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "invitation %d", n)),
		To: invitation.NewEmail(
			fmt.Sprintf("Erika%d@müller.example", n),
			fmt.Sprintf("erika%d@xn--mller-kva.example", n)),
		ToName:  fmt.Sprintf("Erika Mustermann %d", n),
		Subject: fmt.Sprintf("Ihre Einladung %d", n),
		Text:    fmt.Sprintf("https://kiwi.test/I/TOKEN%d\n", n),
		HTML:    fmt.Sprintf("<a href=\"https://kiwi.test/I/TOKEN%d\">Tür öffnen</a>", n),
	}
}

// quiet is for servers whose failed handshakes are the point of a test.
var quiet = log.New(io.Discard, "", 0)
