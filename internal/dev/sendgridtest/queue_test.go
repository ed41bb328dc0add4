package sendgridtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net"
	"slices"
	"testing"
	"time"
)

func TestPostsAreRepeatedUnchanged(t *testing.T) {
	t.Parallel()
	private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	statuses := []int{500, 404, 302, 204}
	r := &receiver{status: func(n int) int { return statuses[n-1] }}
	stats := run(t, Config{Webhook: Webhook{URL: startReceiver(t, r), PrivateKey: private, Backoff: time.Millisecond}}, "anna@example.com")
	if stats != (WebhookStats{Posted: 1}) || len(r.all()) != len(statuses) {
		t.Fatalf("%d requests, stats %+v", len(r.all()), stats)
	}
	for _, p := range r.all() {
		if string(p.body) != string(r.all()[0].body) || p.header.Get(signatureHeader) != r.all()[0].header.Get(signatureHeader) {
			t.Error("a repeated post differs from the first")
		}
	}
}

func TestPostsAreGivenUp(t *testing.T) {
	t.Parallel()
	r := &receiver{status: func(int) int { return 500 }}
	stats := run(t, Config{Webhook: Webhook{URL: startReceiver(t, r), Attempts: 3, Backoff: time.Millisecond}}, "anna@example.com")
	if stats != (WebhookStats{GivenUp: 1}) || len(r.all()) != 3 {
		t.Errorf("%d requests, stats %+v", len(r.all()), stats)
	}
}

func TestCloseEndsTheWebhook(t *testing.T) {
	t.Parallel()
	// Nobody answers there, and the next attempt is an hour away.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + listener.Addr().String()
	_ = listener.Close()
	e, url := Start(t, Config{Webhook: Webhook{URL: nobody, Backoff: time.Hour}})
	mustSend(t, url, "anna@example.com")
	e.Close()
	if _, err := e.Drain(t.Context()); err == nil {
		t.Error("Drain of a closed emulator with events left gave no error")
	}
}

func TestDrainGivesUpWithTheContext(t *testing.T) {
	t.Parallel()
	r := &receiver{}
	e, url := Start(t, Config{Webhook: Webhook{URL: startReceiver(t, r), SlowFor: time.Hour}})
	mustSend(t, url, "slow@example.com")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Drain: %v", err)
	}
}

func TestPostsAreMergedAndBounded(t *testing.T) {
	t.Parallel()
	h := &hook{wake: make(chan struct{}, 1), idle: make(chan struct{})}
	close(h.idle)
	now := time.Now()
	for range 60 {
		h.add([]*post{{due: now, events: []event{{}, {}}}})
	}
	first, _ := h.next(now)
	if len(first.events) != maxBatch {
		t.Errorf("%d events in the first post, want %d", len(first.events), maxBatch)
	}
	h.add(slices.Repeat([]*post{{}}, maxWaiting))
	if h.stats.Dropped != maxWaiting {
		t.Errorf("stats %+v, want all dropped", h.stats)
	}
}
