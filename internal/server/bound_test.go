package server

import (
	"io"
	"log/slog"
	"testing"

	"google.golang.org/grpc/tap"
)

// TestOnlyStreamsMayLast: every other call has a deadline before its message is
// read, one that nobody knows too.
func TestOnlyStreamsMayLast(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	lasting := map[string]bool{
		"/kiwi.invitation.v1.InvitationService/WatchEvents":              true,
		"/kiwi.invitation.v1.InvitationService/GenerateInfoSheets":       true,
		"/grpc.health.v1.Health/Watch":                                   true,
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      true,
		"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": true,
	}
	names := []string{"/other.Service/Get"}
	for service, info := range s.GetServiceInfo() {
		for _, method := range info.Methods {
			names = append(names, "/"+service+"/"+method.Name)
		}
	}
	for _, name := range names {
		ctx, err := s.boundCall(t.Context(), &tap.Info{FullMethodName: name})
		if err != nil {
			t.Fatal(err)
		}
		if _, bound := ctx.Deadline(); bound == lasting[name] {
			t.Errorf("%s has a deadline: %v", name, bound)
		}
	}
}
