// Package client connects to the invitation service.
package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// retries repeats a call that the service could not take. That is safe, since
// withRequestID gives every call that changes something an id.
const retries = `{
  "methodConfig": [{
    "name": [
      {"service": "kiwi.invitation.v1.InvitationService"},
      {"service": "kiwi.invitation.v1.UserService"},
      {"service": "kiwi.invitation.v1.OrganizationService"},
      {"service": "kiwi.invitation.v1.RedemptionService"}
    ],
    "retryPolicy": {
      "maxAttempts": 4,
      "initialBackoff": "0.2s",
      "maxBackoff": "2s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }]
}`

// Client has the service's interfaces on one connection. It is safe for
// concurrent use.
type Client struct {
	pb.InvitationServiceClient
	pb.UserServiceClient
	pb.OrganizationServiceClient
	pb.RedemptionServiceClient

	conn *grpc.ClientConn
}

// New returns a Client of the service at target, such as "dns:///invitations:443".
// It connects with the first call. The options need to hold credentials.
func New(target string, options ...grpc.DialOption) (*Client, error) {
	conn, err := grpc.NewClient(target, append([]grpc.DialOption{
		grpc.WithDefaultServiceConfig(retries), grpc.WithChainUnaryInterceptor(withRequestID),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the invitation service: %w", err)
	}
	return &Client{
		InvitationServiceClient:   pb.NewInvitationServiceClient(conn),
		UserServiceClient:         pb.NewUserServiceClient(conn),
		OrganizationServiceClient: pb.NewOrganizationServiceClient(conn),
		RedemptionServiceClient:   pb.NewRedemptionServiceClient(conn),
		conn:                      conn,
	}, nil
}

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }

// withRequestID draws a request_id for a request that should have one and has
// none. The caller's message is left alone.
func withRequestID(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if message, ok := req.(proto.Message); ok {
		field := message.ProtoReflect().Descriptor().Fields().ByName("request_id")
		if field != nil && !message.ProtoReflect().Has(field) {
			message = proto.Clone(message)
			message.ProtoReflect().Set(field, protoreflect.ValueOfString(uuid.NewString()))
			req = message
		}
	}
	return invoke(ctx, method, req, reply, conn, options...)
}

// Reason returns why a call was refused, or ERROR_REASON_UNSPECIFIED if the
// error is not the service's.
func Reason(err error) pb.ErrorReason {
	var known interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &known) {
		return pb.ErrorReason_ERROR_REASON_UNSPECIFIED
	}
	for _, detail := range known.GRPCStatus().Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == pb.ErrorDomain {
			return pb.ErrorReason(pb.ErrorReason_value[info.GetReason()])
		}
	}
	return pb.ErrorReason_ERROR_REASON_UNSPECIFIED
}
