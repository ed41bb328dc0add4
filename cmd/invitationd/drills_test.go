//go:build !fast

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// These are the incidents of deploy/README.md, with its commands. TestRestored is
// one more.

// TestLeakedKey: from the last of the runbook's commands on, no link of the leaked
// key opens anything at any server, and all who need a new one are listed.
func TestLeakedKey(t *testing.T) {
	t.Parallel()
	const leaked = "### A key of links is leaked"
	w := newWorld(t, pgtest.Database(t))
	servers := []*process{w.serve(), w.serve("-role", "api"), w.serve("-role", "api")}
	p := servers[0]
	old := []string{p.mailed(t, w, "anna"), p.shown(t, "bela"), p.mailed(t, w, "carl"), p.shown(t, "carl")}
	_, err := p.Redeem(t.Context(), &pb.RedeemRequest{Token: p.mailed(t, w, "emil")})
	must(t, err)
	_, err = p.CreateUser(t.Context(), newcomer("dora", pb.Invite_INVITE_LATER))
	must(t, err)
	var noted, retired time.Time
	inForce := []string{"A SIGNS B NEXT", "A VERIFIES B SIGNS", "B SIGNS"}
	for n, command := range slices.Collect(strings.Lines(runbook(t, leaked, "sh"))) {
		args := strings.Fields(command)[1:]
		args[slices.Index(args[1:], "keys")+1] = w.keys
		must(t, w.command(args...).Run())
		retired = time.Now()
		for _, s := range servers {
			s.awaitKeys(t, inForce[n])
		}
		if n == 1 {
			must(t, pgtest.Pool(t, w.dsn).QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&noted))
		}
	}
	t.Logf("the last server refused links of the leaked key %v after it was retired", time.Since(retired).Round(time.Millisecond))
	for _, s := range servers {
		for _, token := range old {
			if _, err := s.Preview(t.Context(), &pb.PreviewRequest{Token: token}); client.Reason(err) != pb.ErrorReason_INVITATION_NOT_FOUND {
				t.Errorf("a link of the leaked key answers %v", err)
			}
		}
	}

	list := strings.Replace(runbook(t, leaked, "sql"), "the time that you noted", noted.Format(time.RFC3339Nano), 1)
	if got := w.rows(list); got != "demo bela APP QR code, demo anna APP mail, demo carl APP mail" {
		t.Errorf("in need of a new link: %s", got)
	}
	sent, err := p.BatchSend(t.Context(), &pb.BatchSendRequest{
		OrganizationId: "demo", UserIds: []string{"anna", "carl"}, Target: pb.Target_TARGET_APP, Action: pb.Action_ACTION_RENEW, RequestId: uuid.NewString(),
	})
	must(t, err)
	for _, r := range sent.GetResults() {
		if r.GetReason() != 0 {
			t.Errorf("%s was not renewed: %v", r.GetUserId(), r.GetReason())
		}
	}
	_, err = w.inbox.Await(t.Context(), 5) // anna's, carl's and emil's, and two again
	must(t, err)
	for _, token := range []string{w.mailedToken("anna@example.com"), w.mailedToken("carl@example.com"), p.shown(t, "bela")} {
		_, err := p.Redeem(t.Context(), &pb.RedeemRequest{Token: token})
		must(t, err)
	}
	if got := w.rows(list); got != "" {
		t.Errorf("still in need of a new link: %s", got)
	}
}

// awaitKeys asks a server until its keys are these.
func (p *process) awaitKeys(t *testing.T, want string) {
	t.Helper()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		status, err := p.ops.GetStatus(t.Context(), &pb.GetStatusRequest{})
		must(t, err)
		var keys []string
		for _, k := range status.GetKeys() {
			keys = append(keys, k.GetId(), strings.TrimPrefix(k.GetUse().String(), "KEY_USE_"))
		}
		if strings.Join(keys, " ") == want {
			return
		}
		<-tick.C
	}
}

// rows are those of a query, with the rights of a server.
func (w *world) rows(query string) string {
	w.t.Helper()
	rows, err := pgtest.Pool(w.t, as(serving, w.dsn)).Query(w.t.Context(), query)
	must(w.t, err)
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return strings.TrimSuffix(fmt.Sprintln(values...), "\n"), err
	})
	must(w.t, err)
	return strings.Join(all, ", ")
}

// TestKeyRefused: SendGrid refuses the key. The queue rests and calls go on; with
// the right key in the file it goes on by itself, and what was lost before is sent
// again after a rehearsal.
func TestKeyRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	var accepted atomic.Value
	accepted.Store("SG.old")
	account := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+accepted.Load().(string) {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.Header.Set("Authorization", "Bearer SG.test")
		w.inbox.ServeHTTP(rw, r)
	}))
	t.Cleanup(account.Close)
	w.mailURL = account.URL
	file := filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(file, []byte("SG.old"), 0o600))
	w.env = append(w.env, "SENDGRID_API_KEY=", "SENDGRID_API_KEY_FILE="+file, "INVITATION_MAIL_RESCUE_AFTER=4s")
	p := w.serve()
	w.inbox.SetFaults(sendgridtest.Faults{Always: &sendgridtest.Answer{Status: http.StatusRequestEntityTooLarge}})
	_, err := p.CreateUser(t.Context(), newcomer("lost", pb.Invite_INVITE_NOW))
	must(t, err)
	p.awaitDelivery(t, "lost", pb.DeliveryState_DELIVERY_STATE_FAILED)
	w.inbox.SetFaults(sendgridtest.Faults{})

	accepted.Store("SG.new") // and the old one was deleted
	_, err = p.CreateUser(t.Context(), newcomer("late", pb.Invite_INVITE_NOW))
	must(t, err)
	p.awaitHealth(t, "delivery", healthpb.HealthCheckResponse_NOT_SERVING)
	status, err := p.ops.GetStatus(t.Context(), &pb.GetStatusRequest{})
	must(t, err)
	if r := status.GetMailRest(); !strings.Contains(r.GetReason(), "401") || r.GetSince() == nil {
		t.Errorf("the status tells of %v", r)
	}

	must(t, os.WriteFile(file, []byte("SG.new"), 0o600))
	w.mailedToken("late@example.com")
	p.awaitHealth(t, "delivery", healthpb.HealthCheckResponse_SERVING)
	if status, err = p.ops.GetStatus(t.Context(), &pb.GetStatusRequest{}); err != nil || status.GetMailRest() != nil {
		t.Errorf("the status tells of %v, %v", status.GetMailRest(), err)
	}

	again := func(dry bool) (users []string) {
		resp, err := p.ops.SendAgain(t.Context(), &pb.SendAgainRequest{DryRun: dry})
		must(t, err)
		for _, r := range resp.GetResults() {
			users = append(users, strings.TrimSpace(r.GetUserId()+" "+strings.TrimPrefix(r.GetReason().String(), "ERROR_REASON_UNSPECIFIED")))
		}
		return users
	}
	for _, step := range []struct {
		dry  bool
		want []string
	}{{true, []string{"lost"}}, {true, []string{"lost"}}, {false, []string{"lost"}}, {true, nil}} {
		if got := again(step.dry); !slices.Equal(got, step.want) {
			t.Errorf("sent again (dry run: %t): %v, want %v", step.dry, got, step.want)
		}
	}
	_, err = p.Redeem(t.Context(), &pb.RedeemRequest{Token: w.mailedToken("lost@example.com")})
	must(t, err)
}

// TestMailsHeldBack: nothing goes out while operations has all mails wait, though
// calls go on; then everything does.
func TestMailsHeldBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	p := w.serve()
	_, err := p.ops.PauseDelivery(t.Context(), &pb.PauseDeliveryRequest{Actor: "nina"})
	must(t, err)
	for n := range 3 {
		_, err := p.CreateUser(t.Context(), newcomer(fmt.Sprintf("u%d", n), pb.Invite_INVITE_NOW))
		must(t, err)
	}
	w.awaitCount(3, `SELECT count(*) FROM river_job WHERE kind = 'invitation_mail' AND state = 'scheduled'`)
	status, err := p.ops.GetStatus(t.Context(), &pb.GetStatusRequest{})
	must(t, err)
	if pauses := status.GetMailPauses(); len(pauses) != 1 || pauses[0].GetActor() != "nina" || w.inbox.Requests() > 0 {
		t.Errorf("%d requests, and the status tells of %v", w.inbox.Requests(), pauses)
	}
	_, err = p.ops.ResumeDelivery(t.Context(), &pb.ResumeDeliveryRequest{Actor: "nina"})
	must(t, err)
	_, err = w.inbox.Await(t.Context(), 3)
	must(t, err)
}
