package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/test/bufconn"

	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// The portal's backend makes a person known and invites them. Who is down, and how
// often a call was repeated, is not its matter.
func Example_portal() {
	// client.New("dns:///invitations:443", grpc.WithTransportCredentials(…))
	invitations := demo()
	defer func() { _ = invitations.Close() }()
	ctx := context.Background()

	_, err := invitations.CreateUser(ctx, &pb.CreateUserRequest{
		OrganizationId: "musterhaus", UserId: "anna", DisplayName: "Anna Berg", Email: "anna@example.org",
		Type: pb.UserType_USER_TYPE_TENANT, Invite: pb.Invite_INVITE_NOW, Target: pb.Target_TARGET_APP, Actor: "clerk-7",
	})
	switch {
	case err == nil:
		fmt.Println("invited")
	case client.Reason(err) == pb.ErrorReason_EMAIL_IN_USE:
		fmt.Println("somebody else has this address")
	default:
		fmt.Println("refused:", err)
	}
	// Output: invited
}

// The app's backend shows whom a link is for, and redeems it when they say so.
func Example_app() {
	invitations := demo()
	defer func() { _ = invitations.Close() }()
	ctx := context.Background()

	const token = "0kq3XW8hVbT2mZ5cR7yN1uJ4sD6fG9aLpEoCiKxMvBwQzU" // or the whole link
	preview, err := invitations.Preview(ctx, &pb.PreviewRequest{Token: token})
	if err != nil {
		fmt.Println("the link is not for anybody:", client.Reason(err))
		return
	}
	fmt.Println(preview.GetOrganizationName(), "invites", preview.GetDisplayName())

	for range 2 { // Anna opens the link again a week later
		redeemed, err := invitations.Redeem(ctx, &pb.RedeemRequest{Token: token})
		switch {
		case err == nil:
			fmt.Println("opened an account for", redeemed.GetUser().GetId())
		case client.Reason(err) == pb.ErrorReason_INVITATION_REDEEMED:
			fmt.Println("has an account: let them log in")
		default:
			fmt.Println("ask your property manager for a new link:", client.Reason(err))
		}
	}
	// Output:
	// Musterhaus GmbH invites Anna Berg
	// opened an account for anna
	// has an account: let them log in
}

// While servers or databases take over from one another, a call is repeated, and
// happens once. What ends that is its deadline, or Patience.
func Example_retries() {
	invitations := demo() // which does not take the first two attempts
	defer func() { _ = invitations.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	_, err := invitations.Revoke(ctx, &pb.RevokeRequest{OrganizationId: "musterhaus", UserId: "anna", Target: pb.Target_TARGET_APP, Actor: "clerk-7"})
	fmt.Println("revoked:", err == nil)
	// Output: revoked: true
}

// Anna finds no mail, and the clerk is quick: what is refused for now says until when.
func ExampleRetryDelay() {
	invitations := demo()
	defer func() { _ = invitations.Close() }()

	_, err := invitations.Renew(context.Background(), &pb.RenewRequest{
		OrganizationId: "musterhaus", UserId: "anna", Target: pb.Target_TARGET_APP, Actor: "clerk-7",
	})
	if delay, ok := client.RetryDelay(err); ok {
		fmt.Println(client.Reason(err), "again in", delay)
	}
	// Output: MAIL_THROTTLED again in 1m0s
}

// A watcher keeps the cursor together with what it does about an event, and so does
// everything once.
func ExampleClient_Watch() {
	invitations := demo()
	defer func() { _ = invitations.Close() }()
	ctx := context.Background()

	cursor := "" // as it was saved; empty at first
	for event, err := range invitations.Watch(ctx, "musterhaus", cursor) {
		switch {
		case errors.Is(err, client.ErrCursorAhead), errors.Is(err, client.ErrCursorExpired):
			fmt.Println("start anew, from ListUsers")
		case err != nil:
			fmt.Println("stopped:", err)
		default:
			cursor = event.GetCursor()
			fmt.Println(event.GetEvent().GetType(), event.GetEvent().GetUserId())
		}
		if cursor == "demo-2" {
			break
		}
	}
	// Output:
	// EVENT_TYPE_USER_CREATED anna
	// EVENT_TYPE_INVITATION_ISSUED anna
}

// A file to print takes the pages as they come.
func ExampleClient_InfoSheets() {
	invitations := demo()
	defer func() { _ = invitations.Close() }()
	ctx := context.Background()

	var file bytes.Buffer // or an *os.File, or the answer to a browser
	results, err := invitations.InfoSheets(ctx, &pb.GenerateInfoSheetsRequest{
		OrganizationId: "musterhaus", Target: pb.Target_TARGET_APP, RequestId: uuid.NewString(),
		Sheets: []*pb.InfoSheet{{UserId: "anna", AddressLines: []string{"Anna Berg", "Ahornallee 1", "10115 Berlin"}}, {UserId: "bela"}},
	}, &file)
	if err != nil {
		fmt.Println("half a document, throw it away:", err)
		return
	}
	for _, r := range results {
		if r.GetPage() > 0 {
			fmt.Println(r.GetUserId(), "is on page", r.GetPage())
		} else {
			fmt.Println(r.GetUserId(), "has no page:", r.GetReason())
		}
	}
	fmt.Printf("%.8s\n", file.Bytes())
	// Output:
	// anna is on page 1
	// bela has no page: ALREADY_ACTIVATED
	// %PDF-1.7
}

// Forms show what is wrong beside the field.
func ExampleFieldViolations() {
	invitations := demo()
	defer func() { _ = invitations.Close() }()

	_, err := invitations.CreateUser(context.Background(), &pb.CreateUserRequest{OrganizationId: "musterhaus"})
	for _, violation := range client.FieldViolations(err) {
		fmt.Println(violation.GetField(), violation.GetDescription())
	}
	// Output: user_id is required
}

// demo is a client of a service that has learned what the examples need.
func demo() *client.Client {
	s := grpc.NewServer()
	d := &demonstration{}
	pb.RegisterUserServiceServer(s, d)
	pb.RegisterInvitationServiceServer(s, d)
	pb.RegisterRedemptionServiceServer(s, d)
	watched := health.NewServer()
	watched.SetServingStatus(pb.HealthLive, healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(s, watched)
	listener := bufconn.Listen(1 << 16)
	go func() { _ = s.Serve(listener) }()
	c, err := client.New("passthrough:///demo", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		log.Fatal(err)
	}
	return c
}

type demonstration struct {
	pb.UnimplementedUserServiceServer
	pb.UnimplementedInvitationServiceServer
	pb.UnimplementedRedemptionServiceServer
	redeemed bool
	attempts int // to revoke
}

// CreateUser implements pb.UserServiceServer.
func (*demonstration) CreateUser(_ context.Context, req *pb.CreateUserRequest) (*pb.CreateUserResponse, error) {
	if req.GetUserId() == "" {
		return nil, refused(codes.InvalidArgument, because(pb.ErrorReason_INVALID_FIELD), &errdetails.BadRequest{
			FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "user_id", Description: "is required"}},
		})
	}
	return &pb.CreateUserResponse{}, nil
}

// Renew implements pb.InvitationServiceServer.
func (*demonstration) Renew(context.Context, *pb.RenewRequest) (*pb.RenewResponse, error) {
	return nil, refused(codes.ResourceExhausted, because(pb.ErrorReason_MAIL_THROTTLED), after(time.Minute))
}

// Revoke implements pb.InvitationServiceServer.
func (d *demonstration) Revoke(context.Context, *pb.RevokeRequest) (*pb.RevokeResponse, error) {
	if d.attempts++; d.attempts < 3 {
		return nil, refused(codes.Unavailable, because(pb.ErrorReason_SERVICE_UNAVAILABLE))
	}
	return &pb.RevokeResponse{}, nil
}

// WatchEvents implements pb.InvitationServiceServer.
func (*demonstration) WatchEvents(req *pb.WatchEventsRequest, stream watchStream) error {
	for _, e := range []*pb.WatchEventsResponse{
		{Cursor: "demo-1", Event: &pb.Event{UserId: "anna", Type: pb.EventType_EVENT_TYPE_USER_CREATED}},
		{Cursor: "demo-2", Event: &pb.Event{UserId: "anna", Type: pb.EventType_EVENT_TYPE_INVITATION_ISSUED}},
	} {
		if e.GetCursor() <= req.GetCursor() {
			continue
		}
		if err := stream.Send(e); err != nil || req.GetCursor() == "" {
			return err // which the loop does not notice
		}
	}
	return nil
}

// GenerateInfoSheets implements pb.InvitationServiceServer.
func (*demonstration) GenerateInfoSheets(_ *pb.GenerateInfoSheetsRequest, stream sheetStream) error {
	return errors.Join(
		stream.Send(&pb.GenerateInfoSheetsResponse{UserId: "anna", Page: 1, Pdf: []byte("%PDF-1.7\n")}),
		stream.Send(&pb.GenerateInfoSheetsResponse{UserId: "bela", Reason: pb.ErrorReason_ALREADY_ACTIVATED}),
		stream.Send(&pb.GenerateInfoSheetsResponse{Pdf: []byte("%%EOF\n")}),
	)
}

// Preview implements pb.RedemptionServiceServer.
func (*demonstration) Preview(context.Context, *pb.PreviewRequest) (*pb.PreviewResponse, error) {
	return &pb.PreviewResponse{OrganizationName: "Musterhaus GmbH", DisplayName: "Anna Berg"}, nil
}

// Redeem implements pb.RedemptionServiceServer.
func (d *demonstration) Redeem(context.Context, *pb.RedeemRequest) (*pb.RedeemResponse, error) {
	if d.redeemed {
		return nil, refused(codes.FailedPrecondition, because(pb.ErrorReason_INVITATION_REDEEMED))
	}
	d.redeemed = true
	return &pb.RedeemResponse{User: &pb.User{Id: "anna"}}, nil
}
