package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

var rows = []row{
	{number: 30, attack: "60 × 8 MiB to the webhook, signature invented", do: hugePosts, check: flat(32)},
	{number: 31, attack: "16 bodies that come byte by byte, beside 4 × signed posts", keep: 0.5, do: slowBodies, check: signedPosts},
	{number: 32, attack: "20 × `ListInvitations`, no match among 200,000, every 200 ms", keep: 0.8, do: pointlessLists},
	{number: 33, attack: "4 × an address that is taken", keep: 0.8, do: takenAddresses, check: noAddressInLog},
	{number: 34, attack: "512 × `WatchEvents` of an organization that does not exist", keep: 0.8, rounds: 1, settling: 3 * time.Second, lasting: 6 * time.Second, do: idleStreams, check: fewTransactions},
	{number: 35, attack: "16 × `BatchSend` of 30,000 empty ids, every 100 ms", keep: 0.4, do: emptyBatches, check: flat(100)},
	{number: 36, attack: "16 × `GenerateQR` of 2048 pixels", keep: 0.4, do: largeCodes},
	{number: 37, attack: "the database's role may have 4 connections", keep: 0.5, rounds: 1, lasting: 6 * time.Second, do: fourConnections},
	{number: 40, attack: "`ALTER TABLE … TYPE`, again and again", keep: 0.5, rounds: 1, lasting: 5 * time.Second, do: alterTables},
	{number: 41, attack: "`invitationd migrate` behind a long reader", keep: 0.4, rounds: 1, lasting: 14 * time.Second, prepare: buildNext, do: migrateBehindReader, check: migrated},
	{number: 38, attack: "the disk of the database is full", rounds: 1, lasting: 3 * time.Second, outage: true, do: fullDisk, check: well},
}

// repeat has so many call again and again, until the context ends. The outcome of
// most attacks is a refusal: only what nobody should hear ends them.
func repeat(ctx context.Context, attackers int, call func(ctx context.Context, who, n int) error) error {
	var group sync.WaitGroup
	var fault atomic.Pointer[error]
	for who := range attackers {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				switch err := call(ctx, who, n); status.Code(err) {
				case codes.Internal, codes.Unknown:
					if ctx.Err() == nil {
						fault.Store(&err)
					}
				}
			}
		})
	}
	group.Wait()
	if err := fault.Load(); err != nil {
		return *err
	}
	return nil
}

func pointlessLists(ctx context.Context, f *field) error {
	return repeat(ctx, 20, func(ctx context.Context, _, _ int) error {
		_, err := f.attacker().ListInvitations(ctx, &pb.ListInvitationsRequest{
			OrganizationId: "large", DeliveryState: pb.DeliveryState_DELIVERY_STATE_REPORTED_SPAM, PageSize: 50,
		})
		pause(ctx, 200*time.Millisecond)
		return err
	})
}

// taken is somebody's address, and must not get into Postgres's log.
const taken = "1@large.example"

func takenAddresses(ctx context.Context, f *field) error {
	return repeat(ctx, 4, func(ctx context.Context, who, n int) error {
		if n%2 == 0 {
			_, err := f.attacker().CreateUser(ctx, &pb.CreateUserRequest{
				OrganizationId: "large", UserId: fmt.Sprint("thief", who), Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Dieb", Email: taken,
				Invite: pb.Invite_INVITE_LATER,
			})
			return err
		}
		_, err := f.attacker().UpdateEmail(ctx, &pb.UpdateEmailRequest{
			OrganizationId: "large", UserId: fmt.Sprint("large", 2+who), Email: taken, FollowUp: pb.FollowUp_FOLLOW_UP_LATER,
		})
		return err
	})
}

func noAddressInLog(_ context.Context, f *field, _ *seen) (string, error) {
	log, err := os.ReadFile(filepath.Join(f.dataDir(), "server.log"))
	if err != nil {
		return "", err
	}
	n := strings.Count(string(log), taken)
	note := fmt.Sprintf("%d times in Postgres's log", n)
	if n > 0 {
		return note, errors.New("the address is in Postgres's log")
	}
	return note, nil
}

// idleStreams come over 8 connections: one takes so many calls at once.
func idleStreams(ctx context.Context, f *field) error {
	var conns []*grpc.ClientConn
	defer func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}()
	for range 8 {
		conn, err := grpc.NewClient(f.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return err
		}
		conns = append(conns, conn)
	}
	return repeat(ctx, 512, func(ctx context.Context, who, _ int) error {
		stream, err := pb.NewInvitationServiceClient(conns[who%len(conns)]).WatchEvents(ctx, &pb.WatchEventsRequest{OrganizationId: "nobody's"})
		if err == nil {
			_, err = stream.Recv()
		}
		if err != nil {
			pause(ctx, time.Minute) // it may be one too many
		}
		return err
	})
}

// fewTransactions looks at transactions by time and not by call: who is slower for
// another reason shares them with fewer others.
func fewTransactions(_ context.Context, _ *field, s *seen) (string, error) {
	per := func(c count) float64 { return float64(c.transactions) / c.lasting.Seconds() }
	note := fmt.Sprintf("%.0f → %.0f transactions a second", per(s.quiet), per(s.attacked))
	if per(s.attacked) > 1.25*per(s.quiet)+5 {
		return note, errors.New("idle streams ask the database")
	}
	return note, nil
}

func emptyBatches(ctx context.Context, f *field) error {
	ids := make([]string, 30_000)
	return repeat(ctx, 16, func(ctx context.Context, _, _ int) error {
		_, err := f.attacker().BatchSend(ctx, &pb.BatchSendRequest{
			OrganizationId: "large", UserIds: ids, Target: pb.Target_TARGET_APP, Action: pb.Action_ACTION_SEND,
		})
		if status.Code(err) != codes.InvalidArgument && status.Code(err) != codes.Unavailable && ctx.Err() == nil {
			return status.Errorf(codes.Unknown, "an empty batch is answered %v", err)
		}
		pause(ctx, 100*time.Millisecond)
		return nil
	})
}

func largeCodes(ctx context.Context, f *field) error {
	return repeat(ctx, 16, func(ctx context.Context, who, _ int) error {
		_, err := f.attacker().GenerateQR(ctx, &pb.GenerateQRRequest{
			OrganizationId: "large", UserId: fmt.Sprint("large", 100+who), Target: pb.Target_TARGET_APP,
			Format: pb.ImageFormat_IMAGE_FORMAT_PNG, SizePx: 2048,
		})
		return err
	})
}
