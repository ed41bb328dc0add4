package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/kiwi-ki/invitations/internal/postgres"
)

// Set by deploy/supply/build.sh. Other builds know what Go has written into them.
var (
	version string
	commit  string
)

// printVersion says what this binary is, and which schema it was made for.
func printVersion(w io.Writer) error {
	version, commit := release()
	_, err := fmt.Fprintf(w, "version %s\ncommit  %s\ngo      %s\nschema  %d\n",
		version, commit, runtime.Version(), postgres.SchemaVersion())
	return err
}

// release is the version of this binary, and the commit that it was built of.
func release() (of, at string) {
	of, at = version, commit
	if info, ok := debug.ReadBuildInfo(); ok {
		of = cmp.Or(of, info.Main.Version)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				at = cmp.Or(at, s.Value)
			}
		}
	}
	return cmp.Or(of, "unknown"), cmp.Or(at, "unknown")
}
