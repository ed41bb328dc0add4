package sendgrid

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// keyed returns a client with a key of its own file, and a provider that knows
// whatever key the returned function was told last.
func keyed(t *testing.T) (client *Client, file string, accept func(key string), asked func() int) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "key")
	write(t, file, "SG.first\n")
	accepted, requests := make(chan string, 1), make(chan int, 1)
	accepted <- "SG.first"
	requests <- 0
	client = serve(t, func(c *Config) { c.APIKey, c.KeyFile = "", file }, func(w http.ResponseWriter, r *http.Request) {
		requests <- <-requests + 1
		key := <-accepted
		accepted <- key
		if r.Header.Get("Authorization") != "Bearer "+key {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	accept = func(key string) {
		<-accepted
		accepted <- key
	}
	asked = func() int {
		n := <-requests
		requests <- n
		return n
	}
	return client, file, accept, asked
}

func write(t *testing.T, file, text string) {
	t.Helper()
	next := file + ".next"
	if err := errors.Join(os.WriteFile(next, []byte(text), 0o600), os.Rename(next, file)); err != nil {
		t.Fatal(err)
	}
}

// TestRevokedBeforeTheNextLook: a mail that meets a key that was revoked goes out
// with the one that stands in the file by then.
func TestRevokedBeforeTheNextLook(t *testing.T) {
	t.Parallel()
	client, file, accept, asked := keyed(t)
	accept("SG.second")
	var refusal *invitation.SendError
	if err := client.Send(t.Context(), message(1)); !errors.As(err, &refusal) || !refusal.Account {
		t.Errorf("error %v, want one of the account", err)
	}
	if n := asked(); n != 1 {
		t.Errorf("%d requests with the only key there is", n)
	}
	for _, broken := range []string{"", "SG.sec ond", "SG.other"} {
		write(t, file, broken)
		if err := client.Send(t.Context(), message(1)); err == nil {
			t.Errorf("%q was accepted", broken)
		}
	}
	write(t, file, "SG.second\n")
	if err := client.Send(t.Context(), message(1)); err != nil {
		t.Error(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := client.Send(t.Context(), message(2)); err != nil {
		t.Errorf("without its file: %v", err)
	}
}

// TestFollow: a key that was changed in time is used before anybody is refused,
// a broken one is not, and no key gets into the log.
func TestFollow(t *testing.T) {
	t.Parallel()
	client, file, accept, asked := keyed(t)
	log := make(lines, 10)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		client.Follow(ctx, time.Millisecond, slog.New(slog.NewTextHandler(log, nil)))
	}()
	write(t, file, "two words\n")
	log.want(t, "is broken")
	write(t, file, "SG.second\n")
	log.want(t, "another SendGrid key")
	stop()
	<-done
	accept("SG.second")
	if err := client.Send(t.Context(), message(1)); err != nil || asked() != 1 {
		t.Errorf("error %v after %d requests", err, asked())
	}
}

// lines is a log, line by line.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// want takes the next line, which says so and has no key.
func (l lines) want(t *testing.T, text string) {
	t.Helper()
	line := <-l
	if !strings.Contains(line, text) || strings.Contains(line, "SG.") || strings.Contains(line, "words") {
		t.Errorf("the log says %q, want one that %s", line, text)
	}
}

// TestFollowNothing: a key that stands in no file is not looked for.
func TestFollowNothing(t *testing.T) {
	t.Parallel()
	newClient(t, config(GlobalURL)).Follow(t.Context(), time.Hour, nil)
}

func TestNoKeyFile(t *testing.T) {
	t.Parallel()
	c := config(GlobalURL)
	c.KeyFile = filepath.Join(t.TempDir(), "none")
	if _, err := New(c); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want one about the file", err)
	}
}
