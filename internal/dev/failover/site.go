package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kiwi-ki/invitations/internal/dev/launch"
	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"
	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// site is two servers on one database.
type site struct {
	servers [2]server
	key     *ecdsa.PrivateKey // the provider's
}

type server struct {
	child   *launch.Child
	webhook string
	conn    *grpc.ClientConn
	// client repeats nothing by itself but the following of the trail.
	client *client.Client
}

func startSite(ctx context.Context, work string, p *pair) (_ *site, err error) {
	s := &site{}
	defer func() {
		if err != nil {
			s.end()
		}
	}()
	if s.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	if _, err := launch.Keys(filepath.Join(work, "keys")); err != nil {
		return nil, err
	}
	for i := range s.servers {
		if err := s.start(ctx, &s.servers[i], work, p, i); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *site) start(ctx context.Context, v *server, work string, p *pair, n int) error {
	dsn, err := p.dsn()
	if err != nil {
		return err
	}
	public, err := sendgridtest.PublicKey(s.key)
	if err != nil {
		return err
	}
	addr, errAddr := launch.FreeAddr(ctx)
	v.webhook, err = launch.FreeAddr(ctx)
	if err := errors.Join(err, errAddr); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(work, fmt.Sprintf("server-%d.log", n)))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	v.child, err = launch.Start(ctx, log, []string{
		"DATABASE_URL=" + dsn, "INVITATION_GRPC_ADDR=" + addr, "INVITATION_KEYS_FILE=" + filepath.Join(work, "keys"),
		"INVITATION_LINK_BASE_URL=https://app.kiwi.example/i/",
		"INVITATION_WEBHOOK_ADDR=" + v.webhook, "SENDGRID_WEBHOOK_KEYS=" + public,
	}, nil, filepath.Join(work, "invitationd"), "serve", "-role", "api")
	if err != nil {
		return err
	}
	plain := grpc.WithTransportCredentials(insecure.NewCredentials())
	if v.conn, err = grpc.NewClient(addr, plain); err != nil {
		return err
	}
	if v.client, err = client.New(addr, plain); err != nil {
		return err
	}
	if err := v.child.AwaitServing(ctx, v.conn); err != nil {
		tail, _ := os.ReadFile(log.Name())
		return fmt.Errorf("invitationd does not serve: %w\n%s", err, tail)
	}
	return nil
}

func (s *site) end() {
	for _, v := range s.servers {
		if v.conn != nil {
			_ = v.conn.Close()
		}
		if v.client != nil {
			_ = v.client.Close()
		}
		if v.child != nil {
			v.child.Stop()
		}
	}
}

// caller has what callers need of one server, and repeats nothing by itself.
type caller struct {
	pb.InvitationServiceClient
	pb.UserServiceClient
	pb.RedemptionServiceClient
}

// caller is a server's, in turn.
func (s *site) caller(n int) caller {
	conn := s.servers[n%len(s.servers)].conn
	return caller{pb.NewInvitationServiceClient(conn), pb.NewUserServiceClient(conn), pb.NewRedemptionServiceClient(conn)}
}
