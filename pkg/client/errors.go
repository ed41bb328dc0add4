package client

import (
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// Reason returns why a call was refused, or ERROR_REASON_UNSPECIFIED if the
// error is not the service's.
func Reason(err error) pb.ErrorReason {
	for _, detail := range details(err) {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == pb.ErrorDomain {
			return pb.ErrorReason(pb.ErrorReason_value[info.GetReason()])
		}
	}
	return pb.ErrorReason_ERROR_REASON_UNSPECIFIED
}

// RetryDelay returns how long the service wants to be left alone with a call that
// it refused for now, such as a second mail within minutes. It is false where
// trying again is of no use.
func RetryDelay(err error) (time.Duration, bool) {
	for _, detail := range details(err) {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration(), true
		}
	}
	return 0, false
}

// FieldViolations returns what is wrong with which field of a request that was
// refused with INVALID_FIELD. The service tells the first twenty.
func FieldViolations(err error) []*errdetails.BadRequest_FieldViolation {
	for _, detail := range details(err) {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			return bad.GetFieldViolations()
		}
	}
	return nil
}

func details(err error) []any {
	var known interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &known) {
		return nil
	}
	return known.GRPCStatus().Details()
}
