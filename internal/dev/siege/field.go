package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/dev/launch"
	"github.com/kiwi-ki/invitations/internal/dev/pgserver"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/internal/postgres"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// role is the service's in the database: it is no superuser, and can be limited.
const role = "siege"

// field is where it all happens: a database, the service on it, and those callers
// who are to be left alone.
type field struct {
	root, work string
	binary     string
	pg         *pgserver.Server
	db         *pgxpool.Pool // a superuser's
	service    *launch.Child
	addr       string
	webhook    string
	key        *ecdsa.PrivateKey
	// conn is the others', and attack the attackers'.
	conn, attack *grpc.ClientConn
	others       others
}

func openField(ctx context.Context, progress io.Writer) (_ *field, err error) {
	root, err := launch.Root(ctx)
	if err != nil {
		return nil, err
	}
	f := &field{root: root, work: filepath.Join(root, ".data", "siege", "work")}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	if err := os.MkdirAll(f.work, 0o755); err != nil {
		return nil, err
	}
	f.binary = filepath.Join(f.work, "invitationd")
	fmt.Fprintln(progress, "building the service")
	if err := launch.Build(ctx, root, f.binary); err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "making %d users\n", population)
	if err := f.startPostgres(ctx); err != nil {
		return nil, err
	}
	if err := f.startService(ctx); err != nil {
		return nil, err
	}
	return f, f.others.begin(ctx, f)
}

// dataDir is on the checkout's disk.
func (f *field) dataDir() string { return filepath.Join(f.root, ".data", "siege", "postgres") }

func (f *field) startPostgres(ctx context.Context) error {
	// A run that was killed leaves its data behind.
	if err := pgserver.Remove(f.dataDir()); err != nil {
		return fmt.Errorf("remove an earlier run's data: %w", err)
	}
	var err error
	f.pg, err = pgserver.Start(ctx, pgserver.Config{DataDir: f.dataDir(), Durable: true, Settings: map[string]string{
		"shared_buffers": "512MB", "max_wal_size": "8GB",
	}})
	if err != nil {
		return err
	}
	if f.db, err = pgxpool.New(ctx, f.pg.DSN("postgres")); err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, f.db); err != nil {
		return err
	}
	if err := delivery.Migrate(ctx, f.db); err != nil {
		return err
	}
	return f.populate(ctx)
}

// environ is all of the service's environment. Whoever renews is met by no limit,
// but counts against one.
func (f *field) environ() ([]string, error) {
	dsn, err := url.Parse(f.pg.DSN("postgres"))
	if err != nil {
		return nil, err
	}
	dsn.User = url.UserPassword(role, role)
	public, err := sendgridtest.PublicKey(f.key)
	return []string{
		"DATABASE_URL=" + dsn.String(), "INVITATION_GRPC_ADDR=" + f.addr, "INVITATION_WEBHOOK_ADDR=" + f.webhook,
		"SENDGRID_WEBHOOK_KEYS=" + public, "INVITATION_KEYS_FILE=" + filepath.Join(f.work, "keys"),
		"INVITATION_LINK_BASE_URL=https://app.kiwi.example/i/",
		"GOMEMLIMIT=200MiB", // as deploy/README.md has it
		"INVITATION_MAILS_PER_RECIPIENT=0", "INVITATION_MAILS_PER_ORGANIZATION=1000000000/24h",
	}, err
}

func (f *field) startService(ctx context.Context) (err error) {
	if f.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	if f.addr, err = launch.FreeAddr(ctx); err != nil {
		return err
	}
	if f.webhook, err = launch.FreeAddr(ctx); err != nil {
		return err
	}
	if _, err := launch.Keys(filepath.Join(f.work, "keys")); err != nil {
		return err
	}
	environ, err := f.environ()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(f.work, "service.log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	if f.service, err = launch.Start(ctx, log, environ, nil, f.binary, "serve", "-role", "api"); err != nil {
		return err
	}
	for _, conn := range []**grpc.ClientConn{&f.conn, &f.attack} {
		if *conn, err = grpc.NewClient(f.addr, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
			return err
		}
		if err := f.service.AwaitServing(ctx, *conn); err != nil {
			tail, _ := os.ReadFile(log.Name())
			return fmt.Errorf("invitationd does not serve: %w\n%s", err, tail)
		}
	}
	return nil
}

func (f *field) close() {
	f.others.end()
	for _, conn := range []*grpc.ClientConn{f.conn, f.attack} {
		if conn != nil {
			_ = conn.Close()
		}
	}
	if f.service != nil {
		f.service.Stop()
	}
	if f.db != nil {
		f.db.Close()
	}
	if f.pg != nil {
		_ = f.pg.Stop()
	}
	_ = pgserver.Remove(f.dataDir())
	_ = os.RemoveAll(f.work)
}

// resident is how much memory the service holds.
func (f *field) resident() int64 { return launch.Resident(f.service.Pid()) }

// watchMemory looks at the service's memory until the returned function is called,
// which tells how much it was at the most.
func (f *field) watchMemory() func() int64 {
	done, most := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for held := f.resident(); ; {
			select {
			case <-done:
				most <- held
				return
			case <-tick.C:
				held = max(held, f.resident())
			}
		}
	}()
	return func() int64 {
		close(done)
		return <-most
	}
}

// awaitHealth waits until the service says that it is so well.
func (f *field) awaitHealth(ctx context.Context, status healthpb.HealthCheckResponse_ServingStatus) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	watch, err := healthpb.NewHealthClient(f.conn).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		return err
	}
	for {
		got, err := watch.Recv()
		if err != nil {
			return fmt.Errorf("wait for health %s: %w", status, err)
		}
		if got.GetStatus() == status {
			return nil
		}
	}
}

func (f *field) exec(ctx context.Context, sql string) error {
	if _, err := f.db.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// caller has the services that an attacker calls.
type caller struct {
	pb.InvitationServiceClient
	pb.UserServiceClient
}

func (f *field) attacker() caller {
	return caller{pb.NewInvitationServiceClient(f.attack), pb.NewUserServiceClient(f.attack)}
}
