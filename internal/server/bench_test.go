package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// What a call costs beside gRPC itself, the rule and the database.

func sendRequest() *pb.SendRequest {
	return &pb.SendRequest{
		OrganizationId: "org-17", UserId: "u202cb962ac59075b964b07152d234b70", Target: pb.Target_TARGET_APP,
		RequestId: "0e37df36-f698-41e6-8b5a-0c1b8a2f9c11", Actor: "operator-5",
	}
}

func BenchmarkValidateSend(b *testing.B) { benchmarkValidate(b, sendRequest()) }

func BenchmarkValidateBatch(b *testing.B) {
	req := &pb.BatchSendRequest{OrganizationId: "org-17", Target: pb.Target_TARGET_APP, Action: pb.Action_ACTION_SEND}
	for i := range 500 {
		req.UserIds = append(req.UserIds, fmt.Sprintf("u202cb962ac59075b964b07152d2%05d", i))
	}
	benchmarkValidate(b, req)
}

func benchmarkValidate(b *testing.B, req proto.Message) {
	v, err := protovalidate.New(protovalidate.WithMessages(requests()...))
	if err != nil {
		b.Fatal(err)
	}
	benchmarkInterceptor(b, validateUnary(v), req)
}

// BenchmarkLog writes one line of the log, as JSON, to nowhere.
func BenchmarkLog(b *testing.B) {
	benchmarkInterceptor(b, ended{log: slog.New(slog.NewJSONHandler(io.Discard, nil))}.unary, sendRequest())
}

func BenchmarkDeadline(b *testing.B) { benchmarkInterceptor(b, deadlineUnary, sendRequest()) }

func benchmarkInterceptor(b *testing.B, intercept grpc.UnaryServerInterceptor, req proto.Message) {
	call := &grpc.UnaryServerInfo{FullMethod: pb.InvitationService_Send_FullMethodName}
	next := func(context.Context, any) (any, error) { return nil, nil }
	b.ReportAllocs()
	for b.Loop() {
		if _, err := intercept(b.Context(), req, call, next); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFingerprint is what a request id costs.
func BenchmarkFingerprint(b *testing.B) {
	req := sendRequest()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := origin(b.Context(), "InvitationService/Send", req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAnswer makes the answer of a Send.
func BenchmarkAnswer(b *testing.B) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	u := &invitation.User{ID: "anna", OrganizationID: "demo"}
	u.Create(invitation.Tenant, "Anna Schmidt", invitation.German, invitation.NewEmail("anna@example.com", "anna@example.com"), now)
	if err := u.Send(invitation.TargetApp, false, now, time.Hour); err != nil {
		b.Fatal(err)
	}
	a := &api{}
	b.ReportAllocs()
	for b.Loop() {
		m, err := a.toInvitation(u, u.Invitations[invitation.TargetApp], now)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := proto.Marshal(m); err != nil {
			b.Fatal(err)
		}
	}
}
