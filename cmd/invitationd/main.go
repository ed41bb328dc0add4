// Command invitationd serves KIWI's invitations over gRPC and sends their mails.
//
//	invitationd serve [-role all|api|worker]   until SIGTERM
//	invitationd migrate [-grant ROLE]          bring the database up to date, and let a role serve
//	invitationd restored -to TIME [-yes]       after the database was set back to an earlier time
//	invitationd health [-name NAME]            whether the server that runs here serves
//	invitationd keys list FILE                 and add FILE, promote FILE ID, retire FILE ID
//	invitationd mail preview [-h]              write a mail to a file, to look at
//	invitationd version                        what this binary is
//
// It is configured by the environment; see the README.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/kiwi-ki/invitations/internal/delivery"
	"github.com/kiwi-ki/invitations/internal/postgres"
)

// gcPercent trades memory, of which the service needs little, for time.
const gcPercent = 130

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "invitationd:", err)
		os.Exit(1)
	}
}

const usage = "usage: invitationd serve [-role all|api|worker] | migrate [-grant ROLE] | restored -to TIME [-yes] | health [-name NAME] | keys list FILE | mail preview | version"

// run is the command without the process around it.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet("invitationd "+args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	switch args[0] {
	case "serve":
		role := flags.String("role", "all", "what to run: the api, the workers, or all")
		if err := parse(flags, args[1:]); err != nil {
			return err
		}
		return serve(ctx, *role, environ, stdout)
	case "migrate":
		role := flags.String("grant", "", "the role of `invitationd serve`, which gets the rights that it needs and no others")
		if err := parse(flags, args[1:]); err != nil {
			return err
		}
		return migrate(ctx, *role, environ)
	case "health":
		name := flags.String("name", "live", "the health service: live, reads, writes, delivery, or empty for the server")
		if err := parse(flags, args[1:]); err != nil {
			return err
		}
		return checkHealth(ctx, *name, environ)
	case "restored":
		return restored(ctx, args[1:], environ, stdout, stderr)
	case "keys":
		return manageKeys(args[1:], stdout, stderr)
	case "version":
		if err := parse(flags, args[1:]); err != nil {
			return err
		}
		return printVersion(stdout)
	case "mail":
		if len(args) < 2 || args[1] != "preview" {
			return errors.New(usage)
		}
		return previewMail(args[2:], stderr)
	default:
		return errors.New(usage)
	}
}

func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return nil
}

// migrate gives a role the rights on what there is now, unless it is empty.
func migrate(ctx context.Context, role string, environ []string) error {
	c, err := readConfig(environ)
	if err != nil {
		return err
	}
	pool, err := c.pool(ctx, postgres.Migrating)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := postgres.Migrate(ctx, pool); err != nil {
		return err
	}
	if err := postgres.GiveWay(ctx, func() error { return delivery.Migrate(ctx, pool) }); err != nil {
		return err
	}
	if role == "" {
		return nil
	}
	return postgres.GiveWay(ctx, func() error { return postgres.Grant(ctx, pool, role, postgres.Rights, delivery.Rights) })
}

func newLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}
