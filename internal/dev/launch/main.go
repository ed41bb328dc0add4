package launch

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Main is the main function of a program that starts others: it runs until it is done
// or a signal ends it, and exits with 1 after an error.
func Main(name string, run func(ctx context.Context, args []string, stdout, stderr io.Writer) error) {
	// The kernel stops children whose parent's thread is gone: this one stays.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Pick reads a list of numbers, such as "1,4", and returns those that have them; all
// for an empty list.
func Pick[T any](list string, all []T, number func(T) int) ([]T, error) {
	if list == "" {
		return all, nil
	}
	var some []T
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		i := slices.IndexFunc(all, func(one T) bool { return number(one) == n })
		if err != nil || i < 0 {
			return nil, fmt.Errorf("there is no number %q", word)
		}
		some = append(some, all[i])
	}
	return some, nil
}
