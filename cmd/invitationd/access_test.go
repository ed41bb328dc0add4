package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// TestCallers: with the certificates of `make certs` and the policy in deploy/,
// each caller may do its own and nothing else, and the audit trail names it.
func TestCallers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	dir := w.secure()
	addr := w.start().addr
	portal, app := callAs(t, addr, dir, "portal"), callAs(t, addr, dir, "app")
	ctx := t.Context()
	_, err := portal.CreateUser(ctx, newcomer("anna", pb.Invite_INVITE_LATER))
	must(t, err)
	link, err := portal.GenerateQR(ctx, &pb.GenerateQRRequest{OrganizationId: "demo", UserId: "anna", Target: pb.Target_TARGET_APP})
	must(t, err)
	redeem := &pb.RedeemRequest{Token: link.GetLink()[strings.LastIndex(link.GetLink(), "/")+1:]}
	if _, err := portal.Redeem(ctx, redeem); client.Reason(err) != pb.ErrorReason_CALLER_NOT_ALLOWED {
		t.Errorf("the portal redeems: %v", err)
	}
	if _, err := app.GetUser(ctx, &pb.GetUserRequest{OrganizationId: "demo", UserId: "anna"}); client.Reason(err) != pb.ErrorReason_CALLER_NOT_ALLOWED {
		t.Errorf("the app reads users: %v", err)
	}
	_, err = app.Redeem(ctx, redeem)
	must(t, err)
	ops, glass := operateAs(t, addr, dir, "ops"), operateAs(t, addr, dir, "break-glass")
	_, err = ops.GetStatus(ctx, &pb.GetStatusRequest{})
	must(t, err)
	if _, err := ops.PauseDelivery(ctx, &pb.PauseDeliveryRequest{OrganizationId: "demo"}); client.Reason(err) != pb.ErrorReason_CALLER_NOT_ALLOWED {
		t.Errorf("operations acts: %v", err)
	}
	_, err = glass.PauseDelivery(ctx, &pb.PauseDeliveryRequest{OrganizationId: "demo", Actor: "anna"})
	must(t, err)
	trail, err := portal.ListEvents(ctx, &pb.ListEventsRequest{OrganizationId: "demo"})
	must(t, err)
	callers := map[pb.EventType]string{}
	for _, e := range trail.GetEvents() {
		callers[e.GetType()] = e.GetCaller()
	}
	if callers[pb.EventType_EVENT_TYPE_USER_CREATED] != "spiffe://kiwi.ki/portal" ||
		callers[pb.EventType_EVENT_TYPE_INVITATION_REDEEMED] != "spiffe://kiwi.ki/app" ||
		callers[pb.EventType_EVENT_TYPE_DELIVERY_PAUSED] != "spiffe://kiwi.ki/break-glass" {
		t.Errorf("the trail names %v", callers)
	}
}

// TestMethodsOfNobody: what is no method of ours is none in the metrics, whoever
// asks for it, and whatever refuses it.
func TestMethodsOfNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Database(t))
	dir, metrics := w.secure(), freeAddr(t)
	w.env = append(w.env, "INVITATION_METRICS_ADDR="+metrics)
	p := w.start()
	conn, err := grpc.NewClient(p.addr, certificates(t, dir, "portal"))
	must(t, err)
	defer func() { _ = conn.Close() }()
	for _, method := range []string{"/canaria.Zwitscher/Call", "/kiwi.invitation.v1.UserService/Canaria"} {
		if err := conn.Invoke(t.Context(), method, &pb.GetUserRequest{}, &pb.GetUserResponse{}); err == nil {
			t.Errorf("%s is answered", method)
		}
	}
	page := awaitScrape(t, metrics, `method="unknown"`)
	if strings.Contains(strings.ToLower(page), "canaria") {
		t.Error("a metric has a method's name that somebody made up")
	}
	must(t, p.signal(t, syscall.SIGTERM))
	if strings.Contains(strings.ToLower(p.logs.String()), "canaria") {
		t.Error("the log has a method's name that somebody made up")
	}
}

// secure makes certificates, and has processes use them and the policy of deploy/.
func (w *world) secure() (dir string) {
	w.t.Helper()
	dir = w.t.TempDir()
	if out, err := exec.CommandContext(w.t.Context(), "go", "run", "../../internal/dev/devcerts", dir).CombinedOutput(); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	w.env = append(w.env,
		"INVITATION_TLS_CERT="+dir+"/server.pem", "INVITATION_TLS_KEY="+dir+"/server-key.pem",
		"INVITATION_TLS_CLIENT_CA="+dir+"/ca.pem", "INVITATION_ACCESS_POLICY=../../deploy/access-policy.json")
	return dir
}

func callAs(t *testing.T, addr, dir, who string) *client.Client {
	t.Helper()
	c, err := client.New(addr, certificates(t, dir, who))
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func operateAs(t *testing.T, addr, dir, who string) pb.OperationsServiceClient {
	t.Helper()
	conn, err := grpc.NewClient(addr, certificates(t, dir, who))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return pb.NewOperationsServiceClient(conn)
}

func certificates(t *testing.T, dir, who string) grpc.DialOption {
	t.Helper()
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, who+".pem"), filepath.Join(dir, who+"-key.pem"))
	must(t, err)
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{own}, RootCAs: roots, MinVersion: tls.VersionTLS13,
	}))
}
