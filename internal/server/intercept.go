package server

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"

	"github.com/kiwi-ki/invitations/internal/access"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// ended tells of calls that have ended.
type ended struct {
	log     *slog.Logger
	observe func(method, code, reason string, stream bool, took time.Duration)
	trace   func(ctx context.Context, method string) (context.Context, func(code codes.Code, reason string))
	// methods has the names of all that there are.
	methods map[string]bool
}

func (e ended) unary(ctx context.Context, req any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	start := time.Now()
	ctx, end := e.follow(ctx, call.FullMethod)
	resp, err := next(ctx, req)
	e.tell(ctx, call.FullMethod, req, false, start, err)
	end(err)
	return resp, err
}

func (e ended) stream(srv any, stream grpc.ServerStream, call *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	start := time.Now()
	ctx, end := e.follow(stream.Context(), call.FullMethod)
	err := next(srv, &followedStream{stream, ctx})
	e.tell(ctx, call.FullMethod, nil, true, start, err)
	end(err)
	return err
}

// followedStream is a stream in the context of its trace.
type followedStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *followedStream) Context() context.Context { return s.ctx }

// follow begins to follow a call, if it is one of the API and somebody wants to; end
// hears its error.
func (e ended) follow(ctx context.Context, method string) (followed context.Context, end func(error)) {
	if _, ours := methodBounds[method]; !ours || e.trace == nil {
		return ctx, func(error) {}
	}
	ctx, tell := e.trace(ctx, method)
	return ctx, func(err error) { tell(status.Code(err), reasonOf(err)) }
}

// tell writes who asked for what and what came of it: ids and reasons only.
func (e ended) tell(ctx context.Context, method string, req any, stream bool, start time.Time, err error) {
	reason := reasonOf(err)
	if _, known := e.methods[method]; !known {
		method = "unknown" // its name is whatever somebody sent
	}
	code, took := status.Code(err).String(), time.Since(start)
	if e.observe != nil {
		e.observe(method, code, reason, stream, took)
	}
	attrs := []slog.Attr{slog.String("method", method), slog.String("code", code), slog.Duration("duration", took)}
	if reason != "" {
		attrs = append(attrs, slog.String("reason", reason))
	}
	if caller := access.Caller(ctx); caller != "" {
		attrs = append(attrs, slog.String("caller", caller))
	}
	// Ids that broke their rule, or were not held against it, may be anything, an
	// address for example.
	switch status.Code(err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated:
	default:
		attrs = append(attrs, ids(req)...)
	}
	e.log.LogAttrs(ctx, slog.LevelInfo, "call", attrs...)
}

// reasonOf is empty for no error, and for one that gRPC itself made.
func reasonOf(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

func ids(req any) (attrs []slog.Attr) {
	if r, ok := req.(interface{ GetOrganizationId() string }); ok {
		attrs = append(attrs, slog.String("organization_id", r.GetOrganizationId()))
	}
	if r, ok := req.(interface{ GetUserId() string }); ok {
		attrs = append(attrs, slog.String("user_id", r.GetUserId()))
	}
	if r, ok := req.(interface{ GetRequestId() string }); ok {
		attrs = append(attrs, slog.String("request_id", r.GetRequestId()))
	}
	return attrs
}

func statusUnary(log *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
		err = func() (err error) {
			defer rescue(&err)
			resp, err = next(ctx, req)
			return err
		}()
		if err != nil {
			return nil, toStatus(ctx, log, call.FullMethod, err)
		}
		return resp, nil
	}
}

func statusStream(log *slog.Logger) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, call *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		err := func() (err error) {
			defer rescue(&err)
			return next(srv, stream)
		}()
		return toStatus(stream.Context(), log, call.FullMethod, err)
	}
}

// endStream ends streams that are old, and all of them when the server drains:
// those that watch something would never end by themselves, and their callers find
// another server. Their ages differ, so that they don't come back all at once.
func endStream(draining context.Context, age time.Duration) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		ctx, cancel := context.WithCancelCause(stream.Context())
		defer cancel(nil)
		end := func() { cancel(errStreamEnds) }
		defer context.AfterFunc(draining, end)()
		defer time.AfterFunc(age+rand.N(age/10+1), end).Stop()
		err := next(srv, &streamIn{stream, ctx})
		if err != nil && errors.Is(context.Cause(ctx), errStreamEnds) {
			return &invitation.RetryError{Err: invitation.ErrUnavailable, After: retryAfter}
		}
		return err
	}
}

var errStreamEnds = errors.New("the stream is old, or the server drains")

// streamIn is a stream in another context.
type streamIn struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *streamIn) Context() context.Context { return s.ctx }

// SendMsg implements grpc.ServerStream. It does not wait for a caller who has stopped
// reading any longer than the context lasts: gRPC's own would.
func (s *streamIn) SendMsg(m any) error {
	sent := make(chan error, 1)
	go func() { sent <- s.ServerStream.SendMsg(m) }()
	select {
	case err := <-sent:
		return err
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// methodsOf returns the names of a server's methods, true for those that stream, and
// so may last.
func methodsOf(services map[string]grpc.ServiceInfo) map[string]bool {
	names := map[string]bool{}
	for service, info := range services {
		for _, method := range info.Methods {
			names["/"+service+"/"+method.Name] = method.IsServerStream || method.IsClientStream
		}
	}
	return names
}

// boundCall gives a call its deadline before its message is read: one that never
// comes would otherwise be waited for as long as the connection lasts.
func (s *Server) boundCall(ctx context.Context, call *tap.Info) (context.Context, error) {
	if s.methods[call.FullMethodName] {
		return ctx, nil
	}
	limit := longestCall
	switch deadline, set := ctx.Deadline(); {
	case !set:
		limit = defaultDeadline
	case time.Until(deadline) <= limit:
		return ctx, nil
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	context.AfterFunc(ctx, cancel)
	return ctx, nil
}

// deadlineUnary leaves a part of the caller's time for the answer, so that a
// caller hears UNAVAILABLE and when to try again instead of nothing.
func deadlineUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	deadline, _ := ctx.Deadline() // boundCall has set one
	left := time.Until(deadline)
	budget := left - min(left/5, 200*time.Millisecond)
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	return next(ctx, req)
}

func validateUnary(v protovalidate.Validator) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if err := validate(v, req); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

func validateStream(v protovalidate.Validator) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		return next(srv, &validatedStream{stream, v})
	}
}

type validatedStream struct {
	grpc.ServerStream
	validator protovalidate.Validator
}

// RecvMsg implements grpc.ServerStream.
func (s *validatedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return validate(s.validator, m)
}

// validate checks a request against the rules of its proto.
func validate(v protovalidate.Validator, req any) error {
	message, ok := req.(proto.Message)
	if !ok {
		return nil
	}
	err := v.Validate(message)
	var broken *protovalidate.ValidationError
	if !errors.As(err, &broken) {
		return err
	}
	var fields fieldErrors
	for _, violation := range broken.Violations {
		fields = append(fields, &invitation.FieldError{
			Field:   protovalidate.FieldPathString(violation.Proto.GetField()),
			Problem: violation.Proto.GetMessage(),
		})
	}
	return fields
}
