package main

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestRestored: a copy of the database is taken, the service goes on without it, and
// then with it. What was pending in the copy ends, and can be begun anew; whoever
// got a link between the two finds it dead.
func TestRestored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	p := w.serve()
	anna, bela := p.mailed(t, w, "anna"), p.shown(t, "bela")
	_, err := p.Redeem(t.Context(), &pb.RedeemRequest{Token: p.mailed(t, w, "emil")})
	must(t, err)
	p.mailed(t, w, "dora")
	_, err = p.Revoke(t.Context(), &pb.RevokeRequest{OrganizationId: "demo", UserId: "dora", Target: pb.Target_TARGET_APP})
	must(t, err)
	cursor := p.cursor(t)
	must(t, p.signal(t, syscall.SIGTERM))
	p = w.serve("-role", "api") // which sends no mails
	_, err = p.CreateUser(t.Context(), newcomer("carl", pb.Invite_INVITE_NOW))
	must(t, err)
	p.shown(t, "carl")
	must(t, p.signal(t, syscall.SIGTERM))

	copied, setBackTo := w.copied(), time.Now().Format(time.RFC3339Nano)
	p = w.serve("-role", "all")
	stranger := p.corrected(t, w, "anna", "stranger@example.com")
	p.mailed(t, w, "fred")
	w.mailedToken("carl@example.com")
	must(t, p.signal(t, syscall.SIGTERM))
	w.dsn = copied
	sent := len(w.inbox.Messages())

	const lost = "demo\tanna\tAPP\tmail\ndemo\tbela\tAPP\tQR\ndemo\tcarl\tAPP\tmail, QR\n"
	before := w.text(`SELECT epoch || ' ' || (SELECT count(*) FROM events) FROM installation`)
	if list := w.restored("-to", setBackTo); list != lost || w.text(`SELECT epoch || ' ' || (SELECT count(*) FROM events) FROM installation`) != before {
		t.Errorf("the dry run changes something, or lists\n%s", list)
	}
	if list := w.restored("-to", setBackTo, "-yes"); list != lost {
		t.Errorf("the list is\n%s", list)
	}
	after := w.text(`SELECT epoch || ' ' || (SELECT count(*) FROM events) FROM installation`)
	if list := w.restored("-to", setBackTo, "-yes"); list != lost || after == before ||
		w.text(`SELECT epoch || ' ' || (SELECT count(*) FROM events) FROM installation`) != after {
		t.Errorf("a second run changes something, or lists\n%s", list)
	}

	p = w.serve()
	for _, token := range []string{anna, bela, stranger} {
		if _, err := p.Preview(t.Context(), &pb.PreviewRequest{Token: token}); client.Reason(err) != pb.ErrorReason_INVITATION_SUPERSEDED {
			t.Errorf("an old link answers %v", err)
		}
	}
	watch, err := p.WatchEvents(t.Context(), &pb.WatchEventsRequest{OrganizationId: "demo", Cursor: cursor})
	must(t, err)
	if _, err := watch.Recv(); client.Reason(err) != pb.ErrorReason_CURSOR_AHEAD {
		t.Errorf("the old cursor answers %v", err)
	}
	_, err = p.Redeem(t.Context(), &pb.RedeemRequest{Token: p.corrected(t, w, "anna", "right@example.com")})
	must(t, err)
	if n := len(w.inbox.Messages()) - sent; n != 1 {
		t.Errorf("%d mails went out since, and not only Anna's", n)
	}
	if list := w.restored("-to", setBackTo, "-yes"); list != strings.Replace(lost, "demo\tanna\tAPP\tmail\n", "", 1) {
		t.Errorf("with Anna invited again the list is\n%s", list)
	}
}

// TestRestoredRefuses what is no time, or would end what comes after it.
func TestRestoredRefuses(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	for _, args := range [][]string{{}, {"-yes"}, {"-to", "yesterday"}, {"-to", time.Now().Add(time.Hour).Format(time.RFC3339), "-yes"}} {
		if err := restored(t.Context(), args, []string{"DATABASE_URL=" + dsn}, os.Stderr, os.Stderr); err == nil || !strings.Contains(err.Error(), "-to") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// restored runs the command and returns its list.
func (w *world) restored(args ...string) string {
	w.t.Helper()
	var list, said bytes.Buffer
	must(w.t, restored(w.t.Context(), args, []string{"DATABASE_URL=" + w.dsn}, &list, &said))
	if strings.Contains(list.String()+said.String(), "@") {
		w.t.Error("an address was printed")
	}
	return list.String()
}

// copied makes a copy of the database, which nobody may use at that moment.
func (w *world) copied() string {
	w.t.Helper()
	from, err := pgx.ParseConfig(w.dsn)
	must(w.t, err)
	into := from.Database + "_copy"
	admin := func(sql string) {
		conn, err := pgx.Connect(w.t.Context(), pgtest.Server().DSN("postgres"))
		must(w.t, err)
		_, err = conn.Exec(w.t.Context(), sql)
		must(w.t, err)
		must(w.t, conn.Close(w.t.Context()))
	}
	admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + from.Database + `'`)
	admin("CREATE DATABASE " + into + " TEMPLATE " + from.Database)
	return pgtest.Server().DSN(into)
}

func (w *world) text(query string) (text string) {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.dsn)
	must(w.t, err)
	must(w.t, conn.QueryRow(w.t.Context(), query).Scan(&text))
	must(w.t, conn.Close(w.t.Context()))
	return text
}

// mailed creates somebody, and returns the token of the mail.
func (p *process) mailed(t *testing.T, w *world, id string) string {
	t.Helper()
	_, err := p.CreateUser(t.Context(), newcomer(id, pb.Invite_INVITE_NOW))
	must(t, err)
	return w.mailedToken(id + "@example.com")
}

// shown returns the token of somebody's QR code, and creates who is not there.
func (p *process) shown(t *testing.T, id string) string {
	t.Helper()
	_, err := p.CreateUser(t.Context(), newcomer(id, pb.Invite_INVITE_LATER))
	if client.Reason(err) != pb.ErrorReason_USER_EXISTS {
		must(t, err)
	}
	resp, err := p.GenerateQR(t.Context(), &pb.GenerateQRRequest{OrganizationId: "demo", UserId: id, Target: pb.Target_TARGET_APP})
	must(t, err)
	return resp.GetLink()[strings.LastIndex(resp.GetLink(), "/")+1:]
}

// corrected mails somebody at another address, and returns that mail's token.
func (p *process) corrected(t *testing.T, w *world, id, address string) string {
	t.Helper()
	_, err := p.UpdateEmail(t.Context(), &pb.UpdateEmailRequest{
		OrganizationId: "demo", UserId: id, Email: address, FollowUp: pb.FollowUp_FOLLOW_UP_SEND_NOW, Target: pb.Target_TARGET_APP,
	})
	must(t, err)
	return w.mailedToken(address)
}

// cursor is behind the first event.
func (p *process) cursor(t *testing.T) string {
	t.Helper()
	watch, err := p.WatchEvents(t.Context(), &pb.WatchEventsRequest{OrganizationId: "demo"})
	must(t, err)
	first, err := watch.Recv()
	must(t, err)
	return first.GetCursor()
}
