package sendgridtest

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// Start serves a new Emulator on a free loopback port until the test ends.
func Start(t testing.TB, c Config) (e *Emulator, baseURL string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening for the SendGrid emulator: %v", err)
	}
	e = New(c)
	server := &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		e.Close()
		_ = server.Close()
		<-served
	})
	return e, "http://" + listener.Addr().String()
}
