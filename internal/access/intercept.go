package access

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/authz"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var (
	// ErrUnknown refuses a caller that has no identity.
	ErrUnknown = errors.New("the caller is unknown: its certificate has to have one URI SAN, or else one DNS SAN")
	// ErrNotAllowed refuses a call that the policy does not allow.
	ErrNotAllowed = errors.New("the caller may not call this method")
)

// Unary returns the interceptor of unary calls. It refuses with ErrUnknown and
// ErrNotAllowed, and passes on what the call returns.
func (a *Access) Unary() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if err := authorize(ctx, a.policy.get()); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// Stream returns the interceptor of streams. It refuses as Unary does, also in
// the middle of a stream when a new policy no longer allows it.
func (a *Access) Stream() grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		policy := a.policy.get()
		if err := authorize(stream.Context(), policy); err != nil {
			return err
		}
		allowed := &allowedStream{ServerStream: stream, access: a, by: policy}
		if err := next(srv, allowed); allowed.refusal == nil {
			return err
		}
		// Handlers may have replaced it.
		return allowed.refusal
	}
}

// allowedStream is a stream that a policy allows.
type allowedStream struct {
	grpc.ServerStream
	access *Access
	by     *authz.StaticInterceptor
	// refusal is what ended the stream, if a policy did.
	refusal error
}

// SendMsg implements grpc.ServerStream.
func (s *allowedStream) SendMsg(m any) error {
	if policy := s.access.policy.get(); policy != s.by {
		if s.refusal = authorize(s.Context(), policy); s.refusal != nil {
			return s.refusal
		}
		s.by = policy
	}
	return s.ServerStream.SendMsg(m)
}

// authorize asks a policy about a call, which is the context's.
func authorize(ctx context.Context, policy *authz.StaticInterceptor) error {
	if Caller(ctx) == "" {
		return ErrUnknown
	}
	_, err := policy.UnaryInterceptor(ctx, nil, nil, func(context.Context, any) (any, error) { return nil, nil })
	switch status.Code(err) {
	case codes.OK:
		return nil
	case codes.PermissionDenied:
		return ErrNotAllowed
	default:
		// A status would go to the caller as it is: this one is for the log.
		return errors.New("ask the access policy: " + status.Convert(err).Message())
	}
}
