// Package hook lets its importer be watched by the process that started it, over
// two pipes: commands on descriptor 3, answers on descriptor 4, a line each.
//
//	start PREFIX   begins a CPU profile, to PREFIX.cpu.pprof
//	start          only begins to count
//	stop           ends that, writes PREFIX.allocs.pprof and PREFIX.heap.pprof,
//	               and answers with Use as JSON
//
// Nothing imports it but a file that internal/dev/bench adds to a build of its own: the
// service as it is released has no way to be profiled from outside.
package hook

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
)

// Use is what the process allocated between start and stop.
type Use struct {
	Bytes       uint64 `json:"bytes"`
	Objects     uint64 `json:"objects"`
	Collections uint32 `json:"collections"`
}

// Variable has to be set in the environment for the descriptors to be used.
const Variable = "BENCH_HOOK"

func init() {
	if os.Getenv(Variable) != "" {
		go serve(os.NewFile(3, "commands"), os.NewFile(4, "answers"))
	}
}

// serve ends with its commands.
func serve(commands io.Reader, answers io.Writer) {
	lines := bufio.NewScanner(commands)
	var r recording
	for lines.Scan() {
		verb, prefix, _ := strings.Cut(lines.Text(), " ")
		var use Use
		var err error
		switch verb {
		case "start":
			err = r.start(prefix)
		case "stop":
			use, err = r.stop()
		}
		answer(answers, use, err)
	}
}

func answer(w io.Writer, use Use, err error) {
	line := struct {
		Use
		Error string `json:"error,omitempty"`
	}{Use: use}
	if err != nil {
		line.Error = err.Error()
	}
	_ = json.NewEncoder(w).Encode(line)
}

// recording is what lies between start and stop.
type recording struct {
	prefix string
	cpu    *os.File
	before runtime.MemStats
}

func (r *recording) start(prefix string) (err error) {
	r.prefix = prefix
	runtime.GC()
	runtime.ReadMemStats(&r.before)
	if prefix == "" {
		return nil
	}
	// Allocations are counted from the process's start: the difference counts.
	if err := writeProfile("allocs", prefix+".base.pprof"); err != nil {
		return err
	}
	if r.cpu, err = os.Create(prefix + ".cpu.pprof"); err != nil {
		return err
	}
	return pprof.StartCPUProfile(r.cpu)
}

func (r *recording) stop() (Use, error) {
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	use := Use{
		Bytes:       after.TotalAlloc - r.before.TotalAlloc,
		Objects:     after.Mallocs - r.before.Mallocs,
		Collections: after.NumGC - r.before.NumGC,
	}
	if r.prefix == "" {
		return use, nil
	}
	pprof.StopCPUProfile()
	if err := r.cpu.Close(); err != nil {
		return use, err
	}
	if err := writeProfile("heap", r.prefix+".heap.pprof"); err != nil {
		return use, err
	}
	return use, writeProfile("allocs", r.prefix+".allocs.pprof")
}

func writeProfile(name, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pprof.Lookup(name).WriteTo(f, 0); err != nil {
		_ = f.Close()
		return fmt.Errorf("write the profile %s: %w", name, err)
	}
	return f.Close()
}
