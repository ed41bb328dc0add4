package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/keyfile"
)

const keysUsage = "usage: invitationd keys list FILE | add FILE | promote FILE ID | retire [-yes] FILE ID"

// manageKeys lists and changes the keys of links in a file. It prints ids and
// fingerprints, never a secret.
func manageKeys(args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errors.New(keysUsage)
	}
	flags := flag.NewFlagSet("invitationd keys "+args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprintln(stderr, keysUsage) }
	yes := new(bool)
	if args[0] == "retire" {
		yes = flags.Bool("yes", false, "retire a key that has signed links")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	path, id := flags.Arg(0), flags.Arg(1)
	switch command := fmt.Sprintf("%s/%d", args[0], flags.NArg()); command {
	case "list/1":
		return listKeys(path, stdout)
	case "add/1":
		return addKey(path, stdout)
	case "promote/2":
		return promoteKey(path, id, stdout)
	case "retire/2":
		return retireKey(path, id, *yes, stdout)
	default:
		return errors.New(keysUsage)
	}
}

func listKeys(path string, stdout io.Writer) error {
	ring, err := keyfile.Load(path)
	if err != nil {
		return fmt.Errorf("read the keys: %w", err)
	}
	for _, k := range ring.Keys() {
		if _, err := fmt.Fprintf(stdout, "%s  %-8s  %s\n", k.ID, k.Use, k.Fingerprint); err != nil {
			return err
		}
	}
	return nil
}

func addKey(path string, stdout io.Writer) error {
	k, err := keyfile.Add(path)
	if err != nil {
		return fmt.Errorf("add a key: %w", err)
	}
	if k.Use == invitation.KeySigns {
		_, err = fmt.Fprintf(stdout, "%s is the first key, and signs.\n", k.ID)
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s is known and does not sign yet. When every server has logged it: invitationd keys promote %s %s\n", k.ID, path, k.ID)
	return err
}

func promoteKey(path, id string, stdout io.Writer) error {
	if err := keyfile.Promote(path, id); err != nil {
		return fmt.Errorf("promote key %q: %w", id, err)
	}
	_, err := fmt.Fprintf(stdout, "%s signs. Older keys have to stay until no link of theirs is alive.\n", id)
	return err
}

func retireKey(path, id string, yes bool, stdout io.Writer) error {
	err := keyfile.Retire(path, id, yes)
	if errors.Is(err, keyfile.ErrHasSigned) {
		return fmt.Errorf("retire key %q: it has signed links; those that are still alive would die for good, "+
			"and their invitations had to be renewed. Say -yes to retire it all the same", id)
	}
	if err != nil {
		return fmt.Errorf("retire key %q: %w", id, err)
	}
	_, err = fmt.Fprintf(stdout, "%s is retired. All links that it signed are dead once the servers have logged it.\n", id)
	return err
}
