package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"golang.org/x/net/netutil"

	"github.com/kiwi-ki/invitations/internal/access"
	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/keyfile"
	"github.com/kiwi-ki/invitations/internal/postgres"
	"github.com/kiwi-ki/invitations/internal/sendgrid"
	"github.com/kiwi-ki/invitations/internal/server"
	"github.com/kiwi-ki/invitations/internal/tracing"
)

// config is read from the environment; the README's table is its manual.
type config struct {
	DatabaseURL    string `env:"DATABASE_URL"`
	DatabasePooler bool   `env:"INVITATION_DATABASE_POOLER"`
	DatabaseConns  int32  `env:"INVITATION_DATABASE_CONNS" envDefault:"16"`

	GRPCAddr     string        `env:"INVITATION_GRPC_ADDR" envDefault:"127.0.0.1:50051"`
	TLSCert      string        `env:"INVITATION_TLS_CERT"`
	TLSKey       string        `env:"INVITATION_TLS_KEY"`
	TLSClientCA  string        `env:"INVITATION_TLS_CLIENT_CA"`
	AccessPolicy string        `env:"INVITATION_ACCESS_POLICY"`
	Insecure     bool          `env:"INVITATION_INSECURE"`
	DrainTimeout time.Duration `env:"INVITATION_DRAIN_TIMEOUT" envDefault:"25s"`
	DebugAddr    string        `env:"INVITATION_DEBUG_ADDR"`
	MetricsAddr  string        `env:"INVITATION_METRICS_ADDR"`

	LinkBaseURL string        `env:"INVITATION_LINK_BASE_URL"`
	KeysFile    string        `env:"INVITATION_KEYS_FILE"`
	Validity    time.Duration `env:"INVITATION_VALIDITY" envDefault:"336h"`

	SendGridKey     string        `env:"SENDGRID_API_KEY"`
	SendGridKeyFile string        `env:"SENDGRID_API_KEY_FILE"`
	SendGridURL     string        `env:"SENDGRID_BASE_URL"`
	SendGridSandbox bool          `env:"SENDGRID_SANDBOX"`
	SendGridBypass  bool          `env:"SENDGRID_BYPASS_UNSUBSCRIBES"`
	SendGridTimeout time.Duration `env:"SENDGRID_TIMEOUT" envDefault:"15s"`
	MailFrom        string        `env:"INVITATION_MAIL_FROM"`
	MailFromName    string        `env:"INVITATION_MAIL_FROM_NAME" envDefault:"KIWI"`
	MailWorkers     int           `env:"INVITATION_MAIL_WORKERS" envDefault:"50"`

	WebhookAddr     string        `env:"INVITATION_WEBHOOK_ADDR"`
	WebhookKeys     []string      `env:"SENDGRID_WEBHOOK_KEYS"`
	RescueAfter     time.Duration `env:"INVITATION_MAIL_RESCUE_AFTER" envDefault:"2m"`
	StalledAfter    time.Duration `env:"INVITATION_STALLED_AFTER" envDefault:"1h"`
	AgendaEvery     time.Duration `env:"INVITATION_AGENDA_EVERY" envDefault:"1m"`
	RemindBefore    time.Duration `env:"INVITATION_REMIND_BEFORE"`
	InvalidTokens   limit         `env:"INVITATION_INVALID_TOKENS" envDefault:"600/1m"`
	MailRate        limit         `env:"INVITATION_MAIL_RATE"`
	PerRecipient    limit         `env:"INVITATION_MAILS_PER_RECIPIENT" envDefault:"10/1h"`
	PerOrganization limit         `env:"INVITATION_MAILS_PER_ORGANIZATION" envDefault:"20000/24h"`

	RequestMemory time.Duration `env:"INVITATION_REQUEST_MEMORY" envDefault:"168h"`
	AddressMemory time.Duration `env:"INVITATION_ADDRESS_MEMORY" envDefault:"4320h"`
	EventMemory   time.Duration `env:"INVITATION_EVENT_MEMORY"`

	// tracer is nil unless OpenTelemetry's variables ask for traces.
	tracer *tracing.Tracer
}

// Bounds of INVITATION_VALIDITY.
const (
	minValidity = time.Hour
	maxValidity = 90 * 24 * time.Hour
)

// limit reads "10/1h": so many in so much time. Empty or 0 is no limit.
type limit struct{ postgres.Limit }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *limit) UnmarshalText(text []byte) error {
	if s := string(text); s == "" || s == "0" {
		*l = limit{}
		return nil
	}
	n, per, _ := strings.Cut(string(text), "/")
	count, err := strconv.Atoi(n)
	duration, err2 := time.ParseDuration(per)
	if err != nil || err2 != nil || count <= 0 || duration <= 0 {
		return errors.New("a limit is a number, a slash and a time, such as 10/1h")
	}
	*l = limit{postgres.Limit{N: count, Per: duration}}
	return nil
}

func readConfig(environ []string) (config, error) {
	c, err := env.ParseAsWithOptions[config](env.Options{Environment: env.ToMap(environ)})
	if err != nil {
		return c, fmt.Errorf("read the configuration: %w", err)
	}
	if c.DatabaseURL == "" {
		return c, errors.New("DATABASE_URL is not set")
	}
	if c.DebugAddr != "" && !onLoopback(c.DebugAddr) {
		return c, errors.New("INVITATION_DEBUG_ADDR is not on loopback, and profiles are for nobody else")
	}
	if c.EventMemory != 0 && c.EventMemory < postgres.MinEventMemory {
		return c, fmt.Errorf("INVITATION_EVENT_MEMORY is %v, and has to be at least %v", c.EventMemory, postgres.MinEventMemory)
	}
	return c, nil
}

// linker reads the keys and returns what makes and reads links.
func (c config) linker() (*invitation.Linker, error) {
	if c.Validity < minValidity || c.Validity > maxValidity {
		return nil, fmt.Errorf("INVITATION_VALIDITY is %v, and has to be between %v and %v", c.Validity, minValidity, maxValidity)
	}
	if c.KeysFile == "" {
		return nil, errors.New("INVITATION_KEYS_FILE is not set; `invitationd keys add FILE` makes one")
	}
	ring, err := keyfile.Load(c.KeysFile)
	if err != nil {
		return nil, fmt.Errorf("read INVITATION_KEYS_FILE: %w", err)
	}
	linker, err := invitation.NewLinker(c.LinkBaseURL, ring)
	if err != nil {
		return nil, fmt.Errorf("read INVITATION_LINK_BASE_URL: %w", err)
	}
	return linker, nil
}

// access is nil for plaintext, which has to stay on the machine unless somebody
// said so: calls carry addresses and links.
func (c config) access(log *slog.Logger) (server.Access, error) {
	files := []string{c.TLSCert, c.TLSKey, c.TLSClientCA, c.AccessPolicy}
	given := len(slices.DeleteFunc(files, func(s string) bool { return s == "" }))
	switch {
	case given == 4:
		return access.New(access.Config{
			CertFile: c.TLSCert, KeyFile: c.TLSKey, ClientCAFile: c.TLSClientCA, PolicyFile: c.AccessPolicy, Logger: log,
		})
	case given > 0:
		return nil, errors.New("INVITATION_TLS_CERT, INVITATION_TLS_KEY, INVITATION_TLS_CLIENT_CA and INVITATION_ACCESS_POLICY go together")
	case c.Insecure || onLoopback(c.GRPCAddr):
		return nil, nil
	default:
		return nil, errors.New("INVITATION_GRPC_ADDR is not on loopback and there is no TLS: " +
			"set INVITATION_TLS_CERT and its like, or INVITATION_INSECURE=true")
	}
}

func onLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	return err == nil && sendgrid.IsLoopback(host)
}

// maxConns is how many connections are open at once. Those beyond it wait.
const maxConns = 10_000

func (c config) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", c.GRPCAddr)
	if err != nil {
		return nil, fmt.Errorf("listen on INVITATION_GRPC_ADDR: %w", err)
	}
	return netutil.LimitListener(l, maxConns), nil
}
