package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// threads is how many pgbench spreads its clients over.
const threads = 2

// warmUp is how long so many clients run before they are measured: each has a
// server process of its own, which plans the statement several times and reads
// the catalog first. The service keeps its connections from run to run.
func warmUp(clients int) time.Duration { return time.Duration(1+clients/128) * time.Second }

// errShort says that connecting took the time that was meant for measuring:
// pgbench's own clock runs from its start.
var errShort = errors.New("the clients took too long to connect")

// pgbench runs a script with so many clients. Statements are prepared;
// connecting, for which it gets a time, and warming up take no part in what is
// measured.
func (s *site) pgbench(ctx context.Context, script string, clients int, base int64, connecting time.Duration) (sample, error) {
	dir, err := os.MkdirTemp(s.lab.work, "pgbench-")
	if err != nil {
		return sample{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	warm, file := warmUp(clients), filepath.Join(dir, "script.sql")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return sample{}, err
	}
	cmd := exec.CommandContext(ctx, s.lab.pgbench, "--no-vacuum", "--protocol=prepared",
		"--file="+file, fmt.Sprintf("--client=%d", clients), fmt.Sprintf("--jobs=%d", min(clients, threads)),
		fmt.Sprintf("--time=%d", int((connecting+warm+s.lab.duration)/time.Second)), "--log", "--log-prefix="+filepath.Join(dir, "log"),
		"--define=i=-1", fmt.Sprintf("--define=clients=%d", clients), fmt.Sprintf("--define=base=%d", base),
		fmt.Sprintf("--define=organizations=%d", s.organizations), fmt.Sprintf("--define=population=%d", s.population))
	cmd.Env = s.libpq()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start, before := time.Now(), usage{postgres: cpuOfTree(s.lab.pg.Pid()), machine: busy()}
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("pgbench: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	used, lasted := usage{postgres: cpuOfTree(s.lab.pg.Pid()), machine: busy()}.minus(before), time.Since(start)
	used.client = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	all, err := readLogs(dir)
	if err != nil {
		return sample{}, err
	}
	m, err := window(all, warm, s.lab.duration)
	m.setCost(used, lasted, m.Calls)
	return m, err
}

// transaction is one line of pgbench's log: when it ended, in microseconds of
// Unix time, and how many it took.
type transaction struct{ end, took int64 }

// window counts what ended while it was measured; Calls are all. It fails with
// errShort if not all of that time is on record.
func window(all []transaction, warm, lasting time.Duration) (sample, error) {
	if len(all) == 0 {
		return sample{}, errShort
	}
	begin, end := int64(math.MaxInt64), int64(0)
	for _, t := range all {
		begin, end = min(begin, t.end-t.took), max(end, t.end)
	}
	from := begin + warm.Microseconds()
	to := from + lasting.Microseconds()
	var latencies []time.Duration
	for _, t := range all {
		if t.end >= from && t.end < to {
			latencies = append(latencies, time.Duration(t.took)*time.Microsecond)
		}
	}
	m := sample{Calls: len(all), Seconds: lasting.Seconds(), Rate: float64(len(latencies)) / lasting.Seconds()}
	m.setLatencies(latencies)
	if end < to {
		return m, errShort
	}
	return m, nil
}

// readLogs reads what pgbench's threads wrote, a file each.
func readLogs(dir string) ([]transaction, error) {
	files, err := filepath.Glob(filepath.Join(dir, "log.*"))
	if err != nil {
		return nil, err
	}
	var all []transaction
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		all, err = appendLog(all, f)
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("read pgbench's log: %w", err)
		}
	}
	return all, nil
}

// appendLog reads lines of client, number, microseconds taken, script, second
// and microsecond of the end.
func appendLog(all []transaction, r io.Reader) ([]transaction, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 {
			return nil, errors.New("a line has too few fields")
		}
		var figures [3]int64
		for i, place := range []int{2, 4, 5} {
			n, err := strconv.ParseInt(fields[place], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("field %d is no number: %w", place+1, err)
			}
			figures[i] = n
		}
		all = append(all, transaction{end: figures[1]*1_000_000 + figures[2], took: figures[0]})
	}
	return all, lines.Err()
}
