package main

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/kiwi-ki/invitations/internal/access"
	"github.com/kiwi-ki/invitations/internal/dev/harness"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

var must = harness.Must

var files = []string{
	"app-key.pem", "app.pem", "break-glass-key.pem", "break-glass.pem", "ca-key.pem", "ca.pem", "ops-key.pem", "ops.pem",
	"portal-key.pem", "portal.pem", "server-key.pem", "server.pem",
}

// contents are the files of a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	all := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		all[e.Name()] = string(text)
	}
	return all
}

// TestRenewal: what is good stays as it is, and the rest is made anew.
func TestRenewal(t *testing.T) {
	t.Parallel()
	start := time.Now()
	const day = 24 * time.Hour
	everything := []string{"ca", "server", "portal", "app", "ops", "break-glass"}
	for name, test := range map[string]struct {
		spoil func(t *testing.T, dir string)
		after time.Duration
		made  []string
	}{
		"at once":           {},
		"after 59 days":     {after: 59 * day},
		"after 61 days":     {after: 61 * day, made: everything[1:]},
		"after 100 days":    {after: 100 * day, made: everything[1:]},
		"after 244 days":    {after: 244 * day, made: everything},
		"in the past":       {after: -day, made: everything},
		"certificate gone":  {spoil: remove("app.pem"), made: []string{"app"}},
		"key gone":          {spoil: remove("app-key.pem"), made: []string{"app"}},
		"CA's key gone":     {spoil: remove("ca-key.pem"), made: everything},
		"broken":            {spoil: put("ops.pem", "?"), made: []string{"ops"}},
		"another's":         {spoil: swap("ops", "portal"), made: []string{"portal", "ops"}},
		"pair torn apart":   {spoil: swap("ops-key", "portal-key"), made: []string{"portal", "ops"}},
		"a caller's for CA": {spoil: usurp, made: everything},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "new", "certs")
			_, err := makeAll(dir, start)
			must(t, err)
			if test.spoil != nil {
				test.spoil(t, dir)
			}
			before := contents(t, dir)
			made, err := makeAll(dir, start.Add(test.after))
			must(t, err)
			after := contents(t, dir)
			if len(after) != len(files) {
				t.Errorf("there are %d files, want %v", len(after), files)
			}
			for i := range made {
				made[i] = strings.TrimSuffix(filepath.Base(made[i]), ".pem")
			}
			if !slices.Equal(made, test.made) {
				t.Errorf("made %v, want %v", made, test.made)
			}
			for _, file := range files {
				isMade := slices.Contains(test.made, strings.TrimSuffix(strings.TrimSuffix(file, ".pem"), "-key"))
				if (before[file] != after[file]) != isMade {
					t.Errorf("%s: written %v, want %v", file, !isMade, isMade)
				}
			}
		})
	}
}

func remove(file string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, file))) }
}

func put(file, text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { must(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600)) }
}

// swap exchanges what two names have, or only their keys.
func swap(a, b string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		all := contents(t, dir)
		for _, suffix := range []string{".pem", "-key.pem"} {
			if all[a+suffix] == "" {
				continue
			}
			put(a+suffix, all[b+suffix])(t, dir)
			put(b+suffix, all[a+suffix])(t, dir)
		}
	}
}

func usurp(t *testing.T, dir string) {
	all := contents(t, dir)
	put("ca.pem", all["ops.pem"])(t, dir)
	put("ca-key.pem", all["ops-key.pem"])(t, dir)
}

func TestModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, run([]string{dir}))
	for _, file := range files {
		want := os.FileMode(0o644)
		if strings.HasSuffix(file, "-key.pem") {
			want = 0o600
		}
		info, err := os.Stat(filepath.Join(dir, file))
		must(t, err)
		if info.Mode() != want {
			t.Errorf("%s has the mode %v, want %v", file, info.Mode(), want)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"a", "b"}, {filepath.Join(os.DevNull, "x")}} {
		if run(args) == nil {
			t.Errorf("%q is no error", args)
		}
	}
}

// TestServer: with these files, each caller may call its service and no other.
func TestServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := makeAll(dir, time.Now())
	must(t, err)
	a, err := access.New(access.Config{
		CertFile: certFile(dir, "server"), KeyFile: keyFile(dir, "server"), ClientCAFile: certFile(dir, "ca"),
		PolicyFile: "../../../deploy/access-policy.json", Logger: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	t.Cleanup(a.Close)
	s := grpc.NewServer(grpc.Creds(a.Credentials()), grpc.UnaryInterceptor(a.Unary()))
	pb.RegisterUserServiceServer(s, struct {
		pb.UnimplementedUserServiceServer
	}{})
	pb.RegisterRedemptionServiceServer(s, struct {
		pb.UnimplementedRedemptionServiceServer
	}{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)

	// Unimplemented is the handler's answer; Unknown is a refusal that nobody
	// translates here.
	const allowed, denied = codes.Unimplemented, codes.Unknown
	for name, want := range map[string][2]codes.Code{
		"portal": {allowed, denied}, "app": {denied, allowed}, "ops": {allowed, denied}, "break-glass": {allowed, allowed},
	} {
		for _, host := range []string{"localhost", "127.0.0.1"} {
			conn, err := grpc.NewClient(net.JoinHostPort(host, port), grpc.WithTransportCredentials(as(t, dir, name)))
			must(t, err)
			_, err = pb.NewUserServiceClient(conn).GetUser(t.Context(), &pb.GetUserRequest{})
			_, other := pb.NewRedemptionServiceClient(conn).Preview(t.Context(), &pb.PreviewRequest{})
			if got := [2]codes.Code{status.Code(err), status.Code(other)}; got != want {
				t.Errorf("%s at %s: got %v, %v, want %v", name, host, err, other, want)
			}
			must(t, conn.Close())
		}
	}
}

// as returns what grpcurl makes of -cacert, -cert and -key.
func as(t *testing.T, dir, name string) credentials.TransportCredentials {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(certFile(dir, name), keyFile(dir, name))
	must(t, err)
	ca, err := os.ReadFile(certFile(dir, "ca"))
	must(t, err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("ca.pem holds no certificate")
	}
	return credentials.NewTLS(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}})
}
