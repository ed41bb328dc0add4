// Command demo shows the service at work in a browser: an example portal, which
// invites people, and an example app, to which the links of invitations lead. Both
// are clients of the service by pkg/client, written as the portal's and the app's
// backends may be; `make run` starts them.
//
// There is no login: they serve this machine's browsers only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kiwi-ki/invitations/cmd/demo/app"
	"github.com/kiwi-ki/invitations/cmd/demo/page"
	"github.com/kiwi-ki/invitations/cmd/demo/portal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	service := flags.String("service", "127.0.0.1:50051", "where the service is")
	certs := flags.String("certs", "", "the folder that `make certs` wrote; plaintext if empty")
	portalAddr := flags.String("portal", "127.0.0.1:8023", "where to serve the portal")
	appAddr := flags.String("app", "127.0.0.1:8024", "where to serve the app; links lead to /i/ there")
	inbox := flags.String("inbox", "", "the address of a page with all mails, to link to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	// Two backends, with a certificate each: the portal may not redeem.
	asPortal, err := connect(*service, *certs, "portal")
	if err != nil {
		return err
	}
	defer func() { _ = asPortal.Close() }()
	asApp, err := connect(*service, *certs, "app")
	if err != nil {
		return err
	}
	defer func() { _ = asApp.Close() }()

	portalPages, err := listen(ctx, *portalAddr)
	if err != nil {
		return err
	}
	appPages, err := listen(ctx, *appAddr)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serve(ctx, portalPages, portal.New(ctx, asPortal, *inbox)) })
	group.Go(func() error { return serve(ctx, appPages, app.New(asApp)) })
	fmt.Fprintf(os.Stdout, "portal http://%s, app http://%s\n", portalPages.Addr(), appPages.Addr())
	return group.Wait()
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	if !page.IsLoopback(addr) {
		return nil, fmt.Errorf("%s is not on loopback, and the pages have no login", addr)
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
}

// serve answers until the context ends.
func serve(ctx context.Context, listener net.Listener, pages http.Handler) error {
	server := &http.Server{
		Handler:           page.Guard(pages),
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
