package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"
)

// runDebug serves profiles and the log's level until the context ends. A profile
// holds what the memory does, so it is only for those on this machine.
func (c config) runDebug(ctx context.Context, level *slog.LevelVar, log *slog.Logger) error {
	l, err := net.Listen("tcp", c.DebugAddr)
	if err != nil {
		return fmt.Errorf("listen on INVITATION_DEBUG_ADDR: %w", err)
	}
	web := &http.Server{Handler: debugHandler(level, log), ReadHeaderTimeout: 5 * time.Second}
	log.Info("open for debugging", "debug_addr", l.Addr().String())
	return serveHTTP(ctx, web, l, web.Close) // nobody waits for a profile to end
}

func debugHandler(level *slog.LevelVar, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /loglevel", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, level.Level())
	})
	mux.HandleFunc("PUT /loglevel", func(w http.ResponseWriter, r *http.Request) {
		var next slog.Level
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64))
		if err == nil {
			err = next.UnmarshalText([]byte(strings.TrimSpace(string(text))))
		}
		if err != nil {
			http.Error(w, "the body is a level: debug, info, warn or error", http.StatusBadRequest)
			return
		}
		level.Set(next)
		log.Warn("the log's level was changed", "level", next)
		fmt.Fprintln(w, next)
	})
	return mux
}
