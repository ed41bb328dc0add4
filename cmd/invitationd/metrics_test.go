package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestScrape: after a day on which mails go out, one bounces, the key is refused
// and the database goes away, Prometheus finds each metric that the alerts and the
// dashboard ask for, and nothing of anybody.
func TestScrape(t *testing.T) {
	t.Parallel()
	database := pgtest.NewServer(t)
	w := newWorld(t, database.DSN("postgres"))
	addr := freeAddr(t)
	w.report(freeAddr(t))
	w.env = append(w.env, "INVITATION_METRICS_ADDR="+addr, "INVITATION_MAIL_RESCUE_AFTER=2s")
	p := w.serve()
	for _, id := range []string{"anna", "bounce"} {
		_, err := p.CreateUser(t.Context(), newcomer(id, pb.Invite_INVITE_NOW))
		must(t, err)
	}
	p.awaitDelivery(t, "anna", pb.DeliveryState_DELIVERY_STATE_DELIVERED)
	p.awaitDelivery(t, "bounce", pb.DeliveryState_DELIVERY_STATE_BOUNCED)
	w.inbox.SetFaults(sendgridtest.Faults{Always: &sendgridtest.Answer{Status: http.StatusUnauthorized}})
	_, err := p.CreateUser(t.Context(), newcomer("late", pb.Invite_INVITE_NOW))
	must(t, err)
	page := awaitScrape(t, addr, `invitation_provider_requests_total{outcome="account"}`)
	problems, err := promlint.New(strings.NewReader(strings.TrimPrefix(page, "\n"))).Lint() // as `promtool check metrics`
	if err != nil || len(problems) > 0 {
		t.Errorf("the metrics are not as they should be: %v, %v", problems, err)
	}
	must(t, database.Stop())
	if status, _ := get(t, addr, "/livez"); status != http.StatusOK {
		t.Errorf("/livez: %d", status)
	}
	p.await(t, healthpb.HealthCheckResponse_NOT_SERVING)
	if status, _ := get(t, addr, "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz without a database: %d", status)
	}
	page += awaitScrape(t, addr, "invitation_database_up 0")
	w.secure()
	safe := freeAddr(t)
	w.env = append(w.env, "INVITATION_METRICS_ADDR="+safe, "INVITATION_WEBHOOK_ADDR=")
	w.start()
	page += awaitScrape(t, safe, `invitation_certificate_expiry_timestamp_seconds{of="callers_ca"}`)

	for _, name := range asked(t) {
		if !strings.Contains(page, "\n"+name+"{") && !strings.Contains(page, "\n"+name+" ") {
			t.Errorf("no scrape has %s", name)
		}
	}
	for _, personal := range []string{"anna", "Schmidt", "example.com", "demo"} {
		if strings.Contains(page, personal) {
			t.Errorf("a metric says %q", personal)
		}
	}
}

// asked are the metrics that the alerts and the dashboard ask for.
func asked(t *testing.T) (names []string) {
	t.Helper()
	for _, file := range []string{"alerts.yaml", "dashboard.json"} {
		text, err := os.ReadFile("../../deploy/prometheus/" + file)
		must(t, err)
		names = append(names, regexp.MustCompile(`\b(invitation_|go_|process_)[a-z0-9_]+`).FindAllString(string(text), -1)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestRunbookLinks: each alert leads to a part of the runbook that is there.
func TestRunbookLinks(t *testing.T) {
	t.Parallel()
	alerts, err := os.ReadFile("../../deploy/prometheus/alerts.yaml")
	must(t, err)
	runbook, err := os.ReadFile("../../deploy/README.md")
	must(t, err)
	anchors := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(runbook), -1) {
		anchor := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		anchors[strings.ReplaceAll(anchor, " ", "-")] = true
	}
	links := regexp.MustCompile(`runbook_url: .*#(.+)`).FindAllStringSubmatch(string(alerts), -1)
	if len(links) == 0 {
		t.Fatal("no alert has a link")
	}
	for _, link := range links {
		if !anchors[link[1]] {
			t.Errorf("deploy/README.md has nothing about %q", link[1])
		}
	}
}

// awaitScrape scrapes until somebody answers, and a text is there.
func awaitScrape(t *testing.T, addr, text string) string {
	t.Helper()
	for {
		if _, page, err := fetch(t, addr, "/metrics"); err == nil && strings.Contains(page, text) {
			return page
		}
		must(t, t.Context().Err())
	}
}

func get(t *testing.T, addr, path string) (status int, body string) {
	t.Helper()
	status, body, err := fetch(t, addr, path)
	must(t, err)
	return status, body
}

func fetch(t *testing.T, addr, path string) (status int, body string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, fmt.Sprintf("http://%s%s", addr, path), nil)
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, "\n" + string(text), err
}
