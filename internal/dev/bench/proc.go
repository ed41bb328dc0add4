package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc: Linux shows 100 a second on every
// architecture that Go runs on.
const tick = 10 * time.Millisecond

// process is what /proc/PID/stat says about one.
type process struct {
	parent   int
	own      time.Duration // CPU time
	children time.Duration // of those that have ended
}

func parseStat(text string) (p process, err error) {
	// The name in brackets may hold blanks and brackets itself.
	_, rest, ok := cutLast(text, ")")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 15 {
		return p, errors.New("no line of /proc/PID/stat")
	}
	values := make([]int, 15) // from the third field of the file on
	for i := 1; i < len(values); i++ {
		if values[i], err = strconv.Atoi(fields[i]); err != nil {
			return p, fmt.Errorf("field %d of /proc/PID/stat: %w", i+3, err)
		}
	}
	p.parent = values[1]
	p.own = time.Duration(values[11]+values[12]) * tick
	p.children = time.Duration(values[13]+values[14]) * tick
	return p, nil
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

func readStat(pid string) (process, error) {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return process{}, err
	}
	return parseStat(string(text))
}

// cpuOf is the CPU time of one process; 0 where there is no /proc.
func cpuOf(pid int) time.Duration {
	p, err := readStat(strconv.Itoa(pid))
	if err != nil {
		return 0
	}
	return p.own
}

// cpuOfTree is the CPU time of a process and its children, those included that
// have ended: Postgres has a process per connection.
func cpuOfTree(pid int) time.Duration {
	root, err := readStat(strconv.Itoa(pid))
	if err != nil {
		return 0
	}
	total := root.own + root.children
	entries, _ := filepath.Glob("/proc/[0-9]*") // fails on a bad pattern only
	for _, entry := range entries {
		if p, err := readStat(filepath.Base(entry)); err == nil && p.parent == pid {
			total += p.own
		}
	}
	return total
}

// busy is how long the machine's cores were not idle since it started, the time
// included that its host gave to others; 0 where there is no /proc.
func busy() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	return parseBusy(string(text))
}

// parseBusy sums the first line of /proc/stat: user, nice, system, idle, waiting
// for disks, interrupts of two kinds, and what the host took.
func parseBusy(text string) (total time.Duration) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		if i >= len(fields) {
			return 0
		}
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return 0
		}
		total += time.Duration(n) * tick
	}
	return total
}

// machine describes where the figures come from.
func machine() string {
	model := "unknown processor"
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return model
}

// memory is how many bytes the machine has; 0 where there is no /proc.
func memory() int64 {
	text, _ := os.ReadFile("/proc/meminfo")
	_, behind, _ := strings.Cut(string(text), "MemTotal:")
	var kilobytes int64
	_, _ = fmt.Sscan(behind, &kilobytes)
	return kilobytes << 10
}
