//go:build !fast

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// What is looked for: nothing else in the world is called so.
const (
	canaryName  = "Canaria Zwitscher"
	canaryLocal = "canaria.zwitscher"
)

// TestNothingLeaks sends a person through every call, every mail and every fault
// of the provider and the database, and then looks for the person, the links and
// the keys wherever they must not be.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	database := pgtest.NewServer(t)
	w := newWorld(t, database.DSN("postgres"))
	traces := newCollector(t)
	w.env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + traces.url, "SENDGRID_TIMEOUT=1s", "INVITATION_MAIL_RESCUE_AFTER=6s", "INVITATION_MAILS_PER_RECIPIENT=0"}
	p := w.serve()
	c := &canary{t: t, w: w, p: p}
	for n, fault := range []sendgridtest.Fault{
		sendgridtest.None, sendgridtest.RateLimit, sendgridtest.ServerError, sendgridtest.Unavailable,
		sendgridtest.Reset, sendgridtest.ResetAfterAccept, sendgridtest.HangAfterAccept,
	} {
		w.inbox.SetFaults(sendgridtest.Faults{Next: []sendgridtest.Fault{fault}, RetryAfterSeconds: 1})
		c.live(fmt.Sprintf("c%d", n))
	}
	told := c.operate("c0")
	if !strings.Contains(told, canaryName) || !strings.Contains(told, canaryLocal) {
		t.Error("operations is not told of the person")
	}
	c.absent("what operations is told", told, c.secrets())
	must(t, database.Stop())
	p.await(t, 2)
	c.operate("c0")
	c.call(func(ctx context.Context) error {
		_, err := p.UpdateEmail(ctx, &pb.UpdateEmailRequest{
			OrganizationId: "demo", UserId: "c0", Email: canaryLocal + "+out@example.com", FollowUp: pb.FollowUp_FOLLOW_UP_LATER,
		})
		return err
	})
	must(t, database.Restart(t.Context()))
	p.await(t, 1)

	dump := c.dump()
	if !strings.Contains(dump, canaryName) || !strings.Contains(dump, canaryLocal) {
		t.Fatal("the dump lacks what is stored: the search finds nothing")
	}
	c.absent("the dump", dump, c.secrets())
	for n := range 7 {
		_, err := p.EraseUser(t.Context(), &pb.EraseUserRequest{OrganizationId: "demo", UserId: fmt.Sprintf("c%d", n)})
		must(t, err)
	}
	c.absent("the dump after erasure", c.dump(), append(c.secrets(), canaryName, canaryLocal))
	c.absent("what operations is told after erasure", c.operate("c0"), append(c.secrets(), canaryName, canaryLocal))
	must(t, p.signal(t, syscall.SIGTERM))
	everything := append(c.secrets(), canaryName, canaryLocal, "Zaunkönig", "app.kiwi.example")
	c.absent("the log", p.logs.String(), everything)
	c.absent("errors", c.errors.String(), everything)
	spans := traces.said()
	for _, name := range []string{"/kiwi.invitation.v1.RedemptionService/Redeem", "/kiwi.invitation.v1.OperationsService/ExportUser", "database: changes", "mail", "POST to SendGrid"} {
		if !strings.Contains(spans, strconv.Quote(name)) {
			t.Errorf("no span is called %q: the search finds nothing", name)
		}
	}
	c.absent("traces", spans, append(everything, `"demo"`, `"c0"`))
}

type canary struct {
	t      *testing.T
	w      *world
	p      *process
	tokens []string
	errors strings.Builder
}

// call makes a call and keeps its error.
func (c *canary) call(do func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	if err := do(ctx); err != nil {
		fmt.Fprintf(&c.errors, "%v %+v\n", err, err)
	}
}

// live goes through every call with one person, also with what is refused.
func (c *canary) live(id string) {
	address := canaryLocal + "+" + id + "@example.com"
	create := newcomer(id, pb.Invite_INVITE_NOW)
	create.DisplayName, create.Email = canaryName, address
	const organization, target = "demo", pb.Target_TARGET_APP
	token, mailed := "", ""
	for _, do := range []func(ctx context.Context) error{
		func(ctx context.Context) error {
			_, err := c.p.UpdateOrganization(ctx, &pb.UpdateOrganizationRequest{
				OrganizationId: organization, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name", "reply_to"}},
				Name: "Hausverwaltung Zaunkönig", ReplyTo: "info@zaunkoenig.example",
			})
			return err
		},
		func(ctx context.Context) error { _, err := c.p.CreateUser(ctx, create); return err },
		func(ctx context.Context) error { _, err := c.p.CreateUser(ctx, create); return err },
		func(ctx context.Context) error {
			_, err := c.p.Send(ctx, &pb.SendRequest{OrganizationId: organization, UserId: id, Target: target})
			return err
		},
		func(ctx context.Context) error {
			mailed = c.w.mailedToken(address)
			resp, err := c.p.GenerateQR(ctx, &pb.GenerateQRRequest{OrganizationId: organization, UserId: id, Target: target})
			token = resp.GetLink()[strings.LastIndex(resp.GetLink(), "/")+1:]
			return err
		},
		func(ctx context.Context) error { return c.print(ctx, id, canaryName, canaryLocal) },
		func(ctx context.Context) error { return c.print(ctx, id, canaryName+"\n"+canaryLocal) },
		func(ctx context.Context) error {
			_, err := c.p.Preview(ctx, &pb.PreviewRequest{Token: "9" + token[1:]})
			return err
		},
		func(ctx context.Context) error {
			_, err := c.p.Preview(ctx, &pb.PreviewRequest{Token: mailed})
			return err
		},
		func(ctx context.Context) error {
			_, err := c.p.Renew(ctx, &pb.RenewRequest{OrganizationId: organization, UserId: id, Target: target})
			return err
		},
		func(ctx context.Context) error {
			_, err := c.p.Redeem(ctx, &pb.RedeemRequest{Token: mailed})
			return err
		},
		func(ctx context.Context) error {
			_, err := c.p.UpdateEmail(ctx, &pb.UpdateEmailRequest{
				OrganizationId: organization, UserId: id, Email: address + ", " + address, FollowUp: pb.FollowUp_FOLLOW_UP_LATER,
			})
			return err
		},
		func(ctx context.Context) error {
			_, err := c.p.UpdateEmail(ctx, &pb.UpdateEmailRequest{
				OrganizationId: organization, UserId: id, Email: "new." + address, FollowUp: pb.FollowUp_FOLLOW_UP_SEND_NOW, Target: target,
			})
			return err
		},
		func(ctx context.Context) error {
			mailed = c.w.mailedToken("new." + address)
			_, err := c.p.Redeem(ctx, &pb.RedeemRequest{Token: mailed, RequestId: uuid.NewString()})
			return err
		},
		func(ctx context.Context) error {
			_, err := c.p.ConfirmEmail(ctx, &pb.ConfirmEmailRequest{UserId: id, Email: "confirmed." + address, RequestId: uuid.NewString()})
			return err
		},
	} {
		c.call(do)
	}
	c.tokens = append(c.tokens, token, mailed)
}

// print asks for an info sheet with an address.
func (c *canary) print(ctx context.Context, id string, address ...string) error {
	_, err := c.p.InfoSheets(ctx, &pb.GenerateInfoSheetsRequest{
		OrganizationId: "demo", Target: pb.Target_TARGET_APP, Sheets: []*pb.InfoSheet{{UserId: id, AddressLines: address}},
	}, io.Discard)
	return err
}

// operate goes through every call of operations, and returns what it was told.
func (c *canary) operate(id string) string {
	var told strings.Builder
	ops, dry := c.p.ops, &pb.SendAgainRequest{DryRun: true, Reason: canaryLocal}
	tell := func(m fmt.Stringer, err error) error {
		if err == nil {
			told.WriteString(m.String())
		}
		return err
	}
	for _, do := range []func(ctx context.Context) error{
		func(ctx context.Context) error { return tell(ops.GetStatus(ctx, &pb.GetStatusRequest{})) },
		func(ctx context.Context) error {
			return tell(ops.ListDeliveries(ctx, &pb.ListDeliveriesRequest{PageSize: 500}))
		},
		func(ctx context.Context) error {
			return tell(ops.ListDeliveries(ctx, &pb.ListDeliveriesRequest{Reason: canaryLocal, UserId: canaryLocal + "@example.com"}))
		},
		func(ctx context.Context) error { return tell(ops.FindUser(ctx, &pb.FindUserRequest{UserId: id})) },
		func(ctx context.Context) error {
			return tell(ops.FindUser(ctx, &pb.FindUserRequest{Email: canaryLocal + "+nobody@example.com"}))
		},
		func(ctx context.Context) error {
			return tell(ops.FindUser(ctx, &pb.FindUserRequest{Email: canaryLocal + "@@example.com"}))
		},
		func(ctx context.Context) error { return tell(ops.ExportUser(ctx, &pb.ExportUserRequest{UserId: id})) },
		func(ctx context.Context) error {
			return tell(ops.ExportUser(ctx, &pb.ExportUserRequest{UserId: canaryName}))
		},
		func(ctx context.Context) error { return tell(ops.SendAgain(ctx, dry)) },
		func(ctx context.Context) error { return tell(ops.SendAgain(ctx, &pb.SendAgainRequest{})) },
		func(ctx context.Context) error {
			return tell(ops.PauseDelivery(ctx, &pb.PauseDeliveryRequest{OrganizationId: "demo", Actor: canaryName}))
		},
		func(ctx context.Context) error {
			return tell(ops.PauseDelivery(ctx, &pb.PauseDeliveryRequest{OrganizationId: "demo"}))
		},
		func(ctx context.Context) error {
			return tell(ops.ResumeDelivery(ctx, &pb.ResumeDeliveryRequest{OrganizationId: "demo"}))
		},
		func(ctx context.Context) error {
			return tell(ops.RevokeAll(ctx, &pb.RevokeAllRequest{OrganizationId: "demo"}))
		},
	} {
		c.call(do)
	}
	return told.String()
}

// secrets are what nobody but the recipient of a link may know.
func (c *canary) secrets() (all []string) {
	for _, token := range c.tokens {
		all = append(all, token, strings.ToLower(token), token[24:])
	}
	key, err := os.ReadFile(c.w.keys)
	must(c.t, err)
	return append(all, strings.TrimSpace(string(key))[2:], "SG.test")
}

// dump is all that the database holds, the queue's tables too.
func (c *canary) dump() string {
	c.t.Helper()
	tool := "pg_dump"
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump"); len(found) > 0 {
		tool = found[len(found)-1]
	}
	var failed bytes.Buffer
	cmd := exec.CommandContext(c.t.Context(), tool, c.w.dsn)
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("%v\n%s", err, failed.String())
	}
	return string(out)
}

func (c *canary) absent(where, text string, canaries []string) {
	c.t.Helper()
	for _, canary := range canaries {
		if i := strings.Index(text, canary); i >= 0 {
			c.t.Errorf("%s holds %q: …%s…", where, canary, text[max(0, i-80):min(len(text), i+80)])
		}
	}
}
