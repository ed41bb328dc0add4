package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

const (
	// population is how many invited users the organization "large" has.
	population = 200_000
	// callers are those who are to be left alone, and renewEvery which of their calls
	// mails, and so touches the limits on mail.
	callers    = 16
	renewEvery = 8
)

// populate fills the database, without the checks that take longer than the rest.
func (f *field) populate(ctx context.Context) error {
	for _, sql := range []string{
		`CREATE ROLE ` + role + ` LOGIN PASSWORD '` + role + `'`,
		`GRANT ALL ON ALL TABLES IN SCHEMA public TO ` + role,
		`GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ` + role,
		`ALTER DATABASE postgres SET session_replication_role = replica`,
	} {
		if err := f.exec(ctx, sql); err != nil {
			return err
		}
	}
	f.db.Reset()
	for _, sql := range []string{
		`INSERT INTO users (id, organization_id, type, display_name, locale, email, email_key, undeliverable, created_at, account_status, invited_until)
		SELECT 'large' || n, 'large', 'TENANT', 'Anna Schmidt', '', n || '@large.example', n || '@large.example', '', now(), 'INVITED', now() + interval '14 days'
		FROM generate_series(1, $1::int) n`,
		`INSERT INTO invitations (id, user_id, organization_id, target, state, issued_at, expires_at,
			mailed_generation, mailed_open, shared_generation, shared_open, delivery_id, reminded, expiry_noted)
		SELECT lpad(to_hex(n), 32, '0')::uuid, 'large' || n, 'large', 'APP', 'PENDING', now(), now() + interval '14 days',
			1, true, 0, false, lpad(to_hex(n), 32, '0')::uuid, false, false FROM generate_series(1, $1::int) n`,
		`INSERT INTO deliveries (id, invitation_id, user_id, organization_id, generation, reminder, despite_bounce, email, email_key, state, changed_at, attempts, reason)
		SELECT lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, 'large' || n, 'large', 1, false, false,
			n || '@large.example', n || '@large.example', 'DELIVERED', now(), 1, '' FROM generate_series(1, $1::int) n`,
	} {
		if _, err := f.db.Exec(ctx, sql, population); err != nil {
			return fmt.Errorf("make users: %w", err)
		}
	}
	for _, sql := range []string{`ALTER DATABASE postgres RESET session_replication_role`, `VACUUM (ANALYZE)`, `CHECKPOINT`} {
		if err := f.exec(ctx, sql); err != nil {
			return err
		}
	}
	f.db.Reset()
	return nil
}

// others are callers who work all the while.
type others struct {
	answered, failed atomic.Int64
	stop             context.CancelFunc
	working          sync.WaitGroup
	// why is the latest error of theirs that is no refusal to wait out.
	why atomic.Pointer[error]
}

func (o *others) begin(ctx context.Context, f *field) error {
	ctx, o.stop = context.WithCancel(ctx)
	c := caller{pb.NewInvitationServiceClient(f.conn), pb.NewUserServiceClient(f.conn)}
	for n := range callers {
		id := "other" + strconv.Itoa(n)
		_, err := c.CreateUser(ctx, &pb.CreateUserRequest{
			OrganizationId: id, UserId: id, Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Bela", Email: id + "@example.com",
			Invite: pb.Invite_INVITE_NOW, Target: pb.Target_TARGET_APP,
		})
		if err != nil {
			return fmt.Errorf("create the others: %w", err)
		}
		o.working.Go(func() { o.work(ctx, c, id) })
	}
	return nil
}

func (o *others) end() {
	if o.stop != nil {
		o.stop()
	}
	o.working.Wait()
}

func (o *others) work(ctx context.Context, c caller, id string) {
	for n := 0; ctx.Err() == nil; n++ {
		call, cancel := context.WithTimeout(ctx, 20*time.Second)
		err := one(call, c, id, n)
		cancel()
		switch {
		case err == nil:
			o.answered.Add(1)
		case ctx.Err() == nil:
			o.failed.Add(1)
			if status.Code(err) != codes.Unavailable {
				o.why.Store(&err)
			}
			pause(ctx, 20*time.Millisecond)
		}
	}
}

func one(ctx context.Context, c caller, id string, n int) error {
	if n%renewEvery == 0 {
		_, err := c.Renew(ctx, &pb.RenewRequest{OrganizationId: id, UserId: id, Target: pb.Target_TARGET_APP})
		return err
	}
	_, err := c.UpdateUser(ctx, &pb.UpdateUserRequest{
		OrganizationId: id, UserId: id, DisplayName: "Bela " + strconv.Itoa(n),
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}},
	})
	return err
}

// observe counts what becomes of the others' calls for a while.
func (f *field) observe(ctx context.Context, lasting time.Duration) count {
	o := &f.others
	answered, failed, transactions, start := o.answered.Load(), o.failed.Load(), f.transactions(ctx), time.Now()
	pause(ctx, lasting)
	return count{o.answered.Load() - answered, o.failed.Load() - failed, f.transactions(ctx) - transactions, time.Since(start)}
}

// transactions is how many the database carried out since it was started.
func (f *field) transactions(ctx context.Context) (n int64) {
	_ = f.db.QueryRow(ctx, `SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()`).Scan(&n)
	return n
}
