// Command devserver runs the whole service on one machine: a private Postgres
// under .data, an inbox that takes the mails in SendGrid's place, invitationd, and
// an example portal and app. DATABASE_URL and SENDGRID_API_KEY, if set, are used
// instead.
//
//	devserver                  until Ctrl-C
//	devserver token ADDRESS    wait for a mail to the address and print its token
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/launch"
	"github.com/kiwi-ki/invitations/internal/dev/pgserver"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// dataDir holds what outlives a run: the cluster and the keys of links.
const dataDir = ".data"

func main() { launch.Main("devserver", dispatch) }

func dispatch(ctx context.Context, args []string, stdout, _ io.Writer) error {
	switch {
	case len(args) == 0:
		return run(ctx)
	case len(args) == 2 && args[0] == "token":
		return printToken(ctx, args[1], stdout)
	default:
		return errors.New("usage: devserver [token ADDRESS]")
	}
}

// settings are what invitationd gets, on top of this process's environment.
type settings map[string]string

// setDefault leaves alone what the environment says.
func (s settings) setDefault(key, value string) {
	if os.Getenv(key) == "" {
		s[key] = value
	}
}

// get returns what invitationd will see.
func (s settings) get(key string) string {
	if value, ok := s[key]; ok {
		return value
	}
	return os.Getenv(key)
}

func (s settings) environ() []string {
	environ := os.Environ()
	for key, value := range s {
		environ = append(environ, key+"="+value)
	}
	return environ
}

func run(ctx context.Context) error {
	if err := os.MkdirAll(dataDir, 0o755); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	env := settings{}
	env.setDefault("INVITATION_GRPC_ADDR", "127.0.0.1:50051")
	env.setDefault("INVITATION_LINK_BASE_URL", "http://"+appAddr()+"/i/")
	env.setDefault("INVITATION_MAIL_FROM", "einladung@kiwi.example")
	if err := addKeys(env); err != nil {
		return err
	}
	addCerts(env)
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	stopDatabase, err := addDatabase(ctx, env, end)
	if err != nil {
		return err
	}
	defer stopDatabase()
	inbox, stopInbox, err := addInbox(ctx, env)
	if err != nil {
		return err
	}
	defer stopInbox()
	err = runService(ctx, env, func(ctx context.Context) {
		if err := runDemo(ctx, env, inbox, func() { welcome(os.Stdout, env, inbox) }); err != nil {
			end(err)
		}
	})
	if cause := context.Cause(ctx); errors.Is(cause, errDatabaseGone) || errors.Is(cause, errDemoGone) {
		return cause
	}
	return err
}

// addKeys draws a key for links once: links of an earlier run stay good.
func addKeys(env settings) error {
	if os.Getenv("INVITATION_KEYS_FILE") != "" {
		return nil
	}
	path := filepath.Join(dataDir, "keys")
	env["INVITATION_KEYS_FILE"] = path
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	line, err := invitation.NewKeyLine('A')
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	return nil
}

// addCerts has invitationd speak mutual TLS with what `make certs` made.
func addCerts(env settings) {
	if dir := os.Getenv("INVITATION_DEV_CERTS"); dir != "" {
		env.setDefault("INVITATION_TLS_CERT", filepath.Join(dir, "server.pem"))
		env.setDefault("INVITATION_TLS_KEY", filepath.Join(dir, "server-key.pem"))
		env.setDefault("INVITATION_TLS_CLIENT_CA", filepath.Join(dir, "ca.pem"))
		env.setDefault("INVITATION_ACCESS_POLICY", filepath.Join("deploy", "access-policy.json"))
	}
}

// errDatabaseGone: without it the service would run on and refuse every call.
var errDatabaseGone = errors.New("the private Postgres ended by itself: .data/postgres/server.log may say why")

// addDatabase has end called when the private Postgres goes away.
func addDatabase(ctx context.Context, env settings, end context.CancelCauseFunc) (stop func(), err error) {
	if os.Getenv("DATABASE_URL") != "" {
		return func() {}, nil
	}
	server, err := pgserver.Start(ctx, pgserver.Config{DataDir: filepath.Join(dataDir, "postgres"), Durable: true})
	if err != nil {
		return nil, fmt.Errorf("start Postgres: %w", err)
	}
	env["DATABASE_URL"] = server.DSN("postgres")
	if err := os.WriteFile(filepath.Join(dataDir, "database-url"), []byte(env["DATABASE_URL"]+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("tell `make psql` where Postgres is: %w", err), server.Stop())
	}
	go func() {
		<-server.Done()
		end(errDatabaseGone)
	}()
	return func() { _ = server.Stop() }, nil
}

// addInbox starts the emulator of SendGrid, unless there is a key for SendGrid.
func addInbox(ctx context.Context, env settings) (url string, stop func(), err error) {
	if os.Getenv("SENDGRID_API_KEY") != "" || os.Getenv("SENDGRID_API_KEY_FILE") != "" {
		return "", func() {}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", inboxAddr())
	if err != nil {
		return "", nil, fmt.Errorf("listen on INVITATION_INBOX_ADDR: %w", err)
	}
	url = "http://" + listener.Addr().String()
	env["SENDGRID_BASE_URL"], env["SENDGRID_API_KEY"] = url, "SG.inbox"
	reports, err := addWebhook(env)
	if err != nil {
		return "", nil, errors.Join(err, listener.Close())
	}
	emulator := sendgridtest.New(sendgridtest.Config{
		APIKey: env["SENDGRID_API_KEY"], Senders: []string{env.get("INVITATION_MAIL_FROM")}, Webhook: reports,
	})
	web := &http.Server{Handler: ownName(listener.Addr(), emulator), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = web.Serve(listener) }()
	return url, func() {
		_ = web.Close()
		emulator.Close()
	}, nil
}

// ownName lets nobody but this machine's browsers read mails on loopback: a page of
// somebody else's could have a name of its own lead here.
func ownName(addr net.Addr, next http.Handler) http.Handler {
	if !addr.(*net.TCPAddr).IP.IsLoopback() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil || host != "localhost" && !net.ParseIP(host).IsLoopback() {
			http.Error(w, "This page is for browsers on the same machine.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// addWebhook makes the service trust what the inbox reports of mails. The key is
// of no use to anybody once the inbox is gone.
func addWebhook(env settings) (sendgridtest.Webhook, error) {
	env.setDefault("INVITATION_WEBHOOK_ADDR", "127.0.0.1:8026")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return sendgridtest.Webhook{}, fmt.Errorf("make the webhook's key: %w", err)
	}
	if env["SENDGRID_WEBHOOK_KEYS"], err = sendgridtest.PublicKey(key); err != nil {
		return sendgridtest.Webhook{}, fmt.Errorf("make the webhook's key: %w", err)
	}
	return sendgridtest.Webhook{
		URL:        "http://" + env.get("INVITATION_WEBHOOK_ADDR") + "/webhooks/sendgrid",
		PrivateKey: key,
		Delay:      time.Second, // as long as one can see a mail "accepted"
	}, nil
}

// Where people look. The ports are neighbours, and the inbox reports to the next.
func portalAddr() string { return setOr("INVITATION_PORTAL_ADDR", "127.0.0.1:8023") }
func appAddr() string    { return setOr("INVITATION_APP_ADDR", "127.0.0.1:8024") }
func inboxAddr() string  { return setOr("INVITATION_INBOX_ADDR", "127.0.0.1:8025") }

func setOr(key, value string) string {
	if set := os.Getenv(key); set != "" {
		return set
	}
	return value
}
