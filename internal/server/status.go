package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/kiwi-ki/invitations/internal/access"
	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// retryAfter is how long a caller should wait where nobody knows better.
const retryAfter = time.Second

var (
	errMethodUnknown  = errors.New("no such method")
	errTokenThrottled = errors.New("too many invalid tokens")
	errFault          = errors.New("the service failed; the cause is in its log")
)

// verdict is what a caller hears of an error: this status and this reason.
type verdict struct {
	err    error
	code   codes.Code
	reason pb.ErrorReason
}

// verdicts is the table of all errors that callers may see. The text of such an
// error becomes the status's message as it is, so it holds nothing of a request.
var verdicts = []verdict{
	{invitation.ErrUserNotFound, codes.NotFound, pb.ErrorReason_USER_NOT_FOUND},
	{invitation.ErrInvitationNotFound, codes.NotFound, pb.ErrorReason_INVITATION_NOT_FOUND},
	{invitation.ErrEmailInUse, codes.AlreadyExists, pb.ErrorReason_EMAIL_IN_USE},
	{invitation.ErrUserExists, codes.AlreadyExists, pb.ErrorReason_USER_EXISTS},
	{invitation.ErrEmailRequired, codes.FailedPrecondition, pb.ErrorReason_EMAIL_REQUIRED},
	{invitation.ErrEmailConfirmed, codes.FailedPrecondition, pb.ErrorReason_EMAIL_CONFIRMED},
	{invitation.ErrEmailUndeliverable, codes.FailedPrecondition, pb.ErrorReason_EMAIL_UNDELIVERABLE},
	{invitation.ErrNotInvited, codes.FailedPrecondition, pb.ErrorReason_NOT_INVITED},
	{invitation.ErrInvitationPending, codes.FailedPrecondition, pb.ErrorReason_INVITATION_PENDING},
	{invitation.ErrInvitationExpired, codes.FailedPrecondition, pb.ErrorReason_INVITATION_EXPIRED},
	{invitation.ErrInvitationRevoked, codes.FailedPrecondition, pb.ErrorReason_INVITATION_REVOKED},
	{invitation.ErrInvitationSuperseded, codes.FailedPrecondition, pb.ErrorReason_INVITATION_SUPERSEDED},
	{invitation.ErrEmailChanged, codes.FailedPrecondition, pb.ErrorReason_EMAIL_CHANGED},
	{invitation.ErrInvitationRedeemed, codes.FailedPrecondition, pb.ErrorReason_INVITATION_REDEEMED},
	{invitation.ErrAlreadyActivated, codes.FailedPrecondition, pb.ErrorReason_ALREADY_ACTIVATED},
	{invitation.ErrNotActivated, codes.FailedPrecondition, pb.ErrorReason_NOT_ACTIVATED},
	{invitation.ErrTargetNotAllowed, codes.FailedPrecondition, pb.ErrorReason_TARGET_NOT_ALLOWED},
	{invitation.ErrUserDeactivated, codes.FailedPrecondition, pb.ErrorReason_USER_DEACTIVATED},
	{invitation.ErrRequestIDReused, codes.Aborted, pb.ErrorReason_REQUEST_ID_REUSED},
	{invitation.ErrCursorAhead, codes.OutOfRange, pb.ErrorReason_CURSOR_AHEAD},
	{invitation.ErrCursorExpired, codes.OutOfRange, pb.ErrorReason_CURSOR_EXPIRED},
	{invitation.ErrMailThrottled, codes.ResourceExhausted, pb.ErrorReason_MAIL_THROTTLED},
	{invitation.ErrUnavailable, codes.Unavailable, pb.ErrorReason_SERVICE_UNAVAILABLE},
	// Handlers replace it by what ended the generation.
	{invitation.ErrOldGeneration, codes.FailedPrecondition, pb.ErrorReason_INVITATION_SUPERSEDED},
	{access.ErrUnknown, codes.Unauthenticated, pb.ErrorReason_CALLER_UNKNOWN},
	{access.ErrNotAllowed, codes.PermissionDenied, pb.ErrorReason_CALLER_NOT_ALLOWED},
	{errTokenThrottled, codes.ResourceExhausted, pb.ErrorReason_TOKEN_THROTTLED},
	{errMethodUnknown, codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN},
	{context.Canceled, codes.Canceled, pb.ErrorReason_CALL_ABANDONED},
	{context.DeadlineExceeded, codes.DeadlineExceeded, pb.ErrorReason_CALL_ABANDONED},
}

// judge finds an error's row. The last return says that there was none.
func judge(err error) (v verdict, found bool) {
	for _, v := range verdicts {
		if errors.Is(err, v.err) {
			return v, true
		}
	}
	return verdict{errFault, codes.Internal, pb.ErrorReason_INTERNAL_FAULT}, false
}

// toStatus is the one way from an error to what a caller sees.
func toStatus(ctx context.Context, log *slog.Logger, method string, err error) error {
	if err == nil {
		return nil
	}
	var fields fieldErrors
	if errors.As(err, &fields) {
		return fields.status()
	}
	if s, isStatus := status.FromError(err); isStatus {
		return ofGRPC(s)
	}
	v, found := judge(err)
	if !found {
		log.LogAttrs(ctx, slog.LevelError, "unexpected error", slog.String("method", method), slog.Any("error", err))
	}
	details := []protoadapt.MessageV1{info(v.reason)}
	if v.code == codes.Unavailable || v.code == codes.ResourceExhausted {
		wait := retryAfter
		var retry *invitation.RetryError
		if errors.As(err, &retry) {
			wait = retry.After
		}
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
		if v.code == codes.Unavailable {
			pushBack(ctx, wait)
		}
	}
	return withDetails(v.code, v.err.Error(), details...)
}

// pushBack tells a client's own retries how long to wait. It can't fail but where
// there is no call.
func pushBack(ctx context.Context, wait time.Duration) {
	_ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", strconv.FormatInt(wait.Milliseconds(), 10)))
}

// ofGRPC adds the reason to a status that gRPC made: of a stream whose caller is
// gone. Those of its own services, health and reflection, stay as they are.
func ofGRPC(s *status.Status) error {
	if s.Code() == codes.Canceled || s.Code() == codes.DeadlineExceeded {
		return withDetails(s.Code(), s.Message(), info(pb.ErrorReason_CALL_ABANDONED))
	}
	return s.Err()
}

// fieldErrors refuse a request whose fields break their rules.
type fieldErrors []*invitation.FieldError

func (e fieldErrors) Error() string {
	return fmt.Sprintf("%d fields are invalid, the first is %v", len(e), e[0])
}

// badField refuses a request for one field.
func badField(path, problem string) error {
	return fieldErrors{{Field: path, Problem: problem}}
}

// maxViolations is how many are told: trailers have little room.
const maxViolations = 20

func (e fieldErrors) status() error {
	bad := &errdetails.BadRequest{}
	reason, violations := e.told()
	for _, v := range violations {
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: v.GetField(), Description: v.GetDescription()})
	}
	return withDetails(codes.InvalidArgument, e[0].Error(), info(reason), bad)
}

// told is what a caller hears of the fields.
func (e fieldErrors) told() (pb.ErrorReason, []*pb.FieldViolation) {
	reason := pb.ErrorReason_INVALID_FIELD
	var violations []*pb.FieldViolation
	for _, f := range e[:min(len(e), maxViolations)] {
		if f.Email {
			reason = pb.ErrorReason_EMAIL_INVALID
		}
		violations = append(violations, &pb.FieldViolation{Field: f.Field, Description: f.Problem})
	}
	return reason, violations
}

func info(reason pb.ErrorReason) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{Reason: reason.String(), Domain: pb.ErrorDomain}
}

func withDetails(code codes.Code, message string, details ...protoadapt.MessageV1) error {
	s := status.New(code, message)
	if detailed, err := s.WithDetails(details...); err == nil {
		s = detailed
	}
	return s.Err()
}

// rescue turns a panic into an error that names its place and not its value,
// which may hold anything.
func rescue(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("panic of type %T at %s", cause, debug.Stack())
	}
}
