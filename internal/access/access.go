package access

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc/authz"
	"google.golang.org/grpc/credentials"

	"github.com/kiwi-ki/invitations/internal/filewatch"
)

// defaultRefresh is how often files are looked at when nobody said.
const defaultRefresh = 5 * time.Second

// Config is what an Access needs. All files are PEM but for the policy.
type Config struct {
	// CertFile holds the server's certificate and then intermediate ones,
	// KeyFile the key to it.
	CertFile, KeyFile string
	// ClientCAFile holds the CAs of callers. Expired ones are passed over, so
	// that an old one may stay beside its successor.
	ClientCAFile string
	// PolicyFile is JSON; see the package's comment.
	PolicyFile string
	// Refresh is how often files are looked at. Zero stands for 5 s.
	Refresh time.Duration
	Logger  *slog.Logger
}

// Access lets callers in. It is safe for concurrent use.
type Access struct {
	pair   *source[*tls.Certificate]
	cas    *source[*authorities]
	policy *source[*authz.StaticInterceptor]

	stop    context.CancelFunc
	watcher sync.WaitGroup
}

// New reads all files and keeps looking at them until Close. A file that is
// missing or broken, a weak key and an expired certificate are errors.
func New(c Config) (*Access, error) {
	a := &Access{}
	var err error
	if a.pair, err = load(c.Logger, "server certificate", parsePair, c.CertFile, c.KeyFile); err != nil {
		return nil, err
	}
	if a.cas, err = load(c.Logger, "client CA", parseCAs, c.ClientCAFile); err != nil {
		return nil, err
	}
	if a.policy, err = load(c.Logger, "access policy", parsePolicy, c.PolicyFile); err != nil {
		return nil, err
	}
	if c.Refresh <= 0 {
		c.Refresh = defaultRefresh
	}
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	a.watcher.Go(func() { filewatch.Every(ctx, c.Refresh, a.look) })
	return a, nil
}

// Close stops looking at files. Credentials and interceptors go on with what
// was read last.
func (a *Access) Close() {
	a.stop()
	a.watcher.Wait()
}

// look looks at all files. Each source stands for itself: a broken policy keeps
// no new certificate out.
func (a *Access) look() {
	a.pair.files.Look()
	a.cas.files.Look()
	a.policy.files.Look()
}

// Credentials are those of a server that speaks TLS 1.3 only, with callers that
// show a certificate of the client CA.
func (a *Access) Credentials() credentials.TransportCredentials {
	return credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{
				MinVersion:   tls.VersionTLS13,
				Certificates: []tls.Certificate{*a.pair.get()},
				ClientAuth:   tls.RequireAndVerifyClientCert,
				ClientCAs:    a.cas.get().pool,
				// A ticket would let a caller in again whose CA is gone.
				SessionTicketsDisabled: true,
			}, nil
		},
	})
}

// Expiry is when the server's certificate expires, and when the last of the CAs of
// callers does.
func (a *Access) Expiry() (server, callers time.Time) {
	return a.pair.get().Leaf.NotAfter, a.cas.get().until
}
