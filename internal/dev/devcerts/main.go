// Command devcerts makes a CA and certificates for development: one for the
// server on loopback, and one for each kind of caller.
//
//	devcerts DIR    makes what is missing in DIR, and renews what soon expires
//
// A name's certificate is DIR/name.pem and its key DIR/name-key.pem; the CA's
// name is ca. So a caller runs
//
//	grpcurl -cacert DIR/ca.pem -cert DIR/ops.pem -key DIR/ops-key.pem …
//
// The CA's key lies beside them without a password: nothing but a development
// server should trust it.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

func main() {
	err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "devcerts:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: devcerts DIR")
	}
	made, err := makeAll(args[0], time.Now())
	for _, name := range made {
		fmt.Fprintln(os.Stdout, "made", name)
	}
	return err
}
