package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/dev/bench/hook"
	"github.com/kiwi-ki/invitations/internal/dev/launch"
	"github.com/kiwi-ki/invitations/internal/postgres"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// connections is how many the callers share: a few backends call the service,
// each over one connection.
const connections = 4

// site is one database and the service on it.
type site struct {
	lab           *lab
	name          string
	db            *pgxpool.Pool
	population    int64 // users that are there from the start
	organizations int64
	next          int64 // number of the next user to be made

	// more is added to the service's environment.
	more  []string
	api   *launch.Child
	addr  string
	conns []*grpc.ClientConn
}

// client has what callers call.
type client struct {
	pb.InvitationServiceClient
	pb.UserServiceClient
	pb.RedemptionServiceClient
}

// client returns the one that a caller uses.
func (s *site) client(caller int) client {
	conn := s.conns[caller%len(s.conns)]
	return client{pb.NewInvitationServiceClient(conn), pb.NewUserServiceClient(conn), pb.NewRedemptionServiceClient(conn)}
}

// newSite makes a database with so many users, of whom every second is invited.
func (l *lab) newSite(ctx context.Context, name string, users int64) (*site, error) {
	l.say("making %d users in the database %s", users, name)
	if err := createDatabase(ctx, l.pg.DSN("postgres"), name); err != nil {
		return nil, fmt.Errorf("make the database: %w", err)
	}
	db, err := pgxpool.New(ctx, l.pg.DSN(name))
	if err != nil {
		return nil, err
	}
	s := &site{lab: l, name: name, db: db, population: users, organizations: users / organizationSize, next: users + 1}
	if err := s.fill(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func createDatabase(ctx context.Context, dsn, name string) error {
	db, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(ctx, "CREATE DATABASE "+name)
	return err
}

func (s *site) fill(ctx context.Context) error {
	if err := postgres.Migrate(ctx, s.db); err != nil {
		return err
	}
	if err := delivery.Migrate(ctx, s.db); err != nil {
		return err
	}
	err := s.make(ctx, stock{from: 1, to: s.population + 1, organization: s.spread(), every: 2, state: "DELIVERED"})
	if err != nil {
		return err
	}
	for _, statement := range []string{"VACUUM (ANALYZE)", "CHECKPOINT"} {
		if _, err := s.db.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// spread is the organization of a user, who is not its neighbour's.
func (s *site) spread() string { return "'org-' || {n} % " + strconv.FormatInt(s.organizations, 10) }

// close ends the service and leaves the database to its server.
func (s *site) close() {
	s.stopAPI()
	s.db.Close()
}

func (s *site) stopAPI() {
	for _, conn := range s.conns {
		_ = conn.Close()
	}
	s.conns = nil
	if s.api != nil {
		s.api.Stop()
		s.api = nil
	}
}

// environ is all of the service's environment: what is not here has its default.
// Files are those of the hook.
func (s *site) environ(files []*os.File, more ...string) []string {
	if len(files) > 0 {
		more = append(more, hook.Variable+"=1")
	}
	return append([]string{
		"DATABASE_URL=" + s.lab.pg.DSN(s.name),
		"INVITATION_GRPC_ADDR=" + s.addr,
		"INVITATION_LINK_BASE_URL=" + linkBase,
		"INVITATION_KEYS_FILE=" + s.lab.keys,
	}, append(more, s.more...)...)
}

// libpq is the environment by which pgbench finds the database. A URL on its
// command line would show the password to everybody.
func (s *site) libpq() []string {
	c := s.db.Config().ConnConfig
	return []string{
		"PATH=" + os.Getenv("PATH"), "PGSSLMODE=disable", "PGHOST=" + c.Host, "PGPORT=" + strconv.Itoa(int(c.Port)),
		"PGUSER=" + c.User, "PGPASSWORD=" + c.Password, "PGDATABASE=" + c.Database,
	}
}

// startAPI starts the service and connects the callers. Its log goes to a file,
// as production's goes somewhere too.
func (s *site) startAPI(ctx context.Context, binary string, files ...*os.File) (err error) {
	if s.addr, err = launch.FreeAddr(ctx); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.lab.work, s.name+".log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	if s.api, err = launch.Start(ctx, log, s.environ(files), files, binary, "serve", "-role", "api"); err != nil {
		return err
	}
	for range connections {
		conn, err := grpc.NewClient(s.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return err
		}
		s.conns = append(s.conns, conn)
		if err := s.api.AwaitServing(ctx, conn); err != nil {
			tail, _ := os.ReadFile(log.Name())
			return fmt.Errorf("invitationd does not serve: %w\n%s", err, tail)
		}
	}
	return nil
}
