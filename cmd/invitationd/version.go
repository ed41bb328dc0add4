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
	if info, ok := debug.ReadBuildInfo(); ok {
		version = cmp.Or(version, info.Main.Version)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = cmp.Or(commit, s.Value)
			}
		}
	}
	_, err := fmt.Fprintf(w, "version %s\ncommit  %s\ngo      %s\nschema  %d\n",
		cmp.Or(version, "unknown"), cmp.Or(commit, "unknown"), runtime.Version(), postgres.SchemaVersion())
	return err
}
