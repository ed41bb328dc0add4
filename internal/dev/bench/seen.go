package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"

	"github.com/kiwi-ki/invitations/internal/dev/launch"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

const (
	seenUsers   = 20_000
	seenCallers = 64
)

// watched is a service, and those who look at it.
type watched struct {
	title string
	// metrics are scraped; traces is which share of the calls is exported, empty for
	// none.
	metrics bool
	traces  string
}

var allWatched = []watched{
	{"nobody looks", false, ""},
	{"metrics", true, ""},
	{"metrics, 1 % of traces", true, "0.01"},
	{"metrics, all traces", true, "1"},
}

// measureSeen compares what a Send costs the service when nobody looks with what it
// costs while somebody does. Each has a database of its own, and all are there all
// the time, so that they differ in nothing else.
func (l *lab) measureSeen(ctx context.Context, stdout io.Writer) error {
	collector, err := sink()
	if err != nil {
		return err
	}
	defer collector.Stop()
	send, _ := caseNamed("send")
	sites, rows := make([]*site, len(allWatched)), make([]*row, len(allWatched))
	for i, w := range allWatched {
		if sites[i], err = l.newSite(ctx, fmt.Sprintf("seen_%d", i), seenUsers); err != nil {
			return err
		}
		defer sites[i].close()
		rows[i] = &row{Title: w.title, Callers: seenCallers}
		scraped, err := launch.FreeAddr(ctx)
		if err != nil {
			return err
		}
		if w.metrics {
			sites[i].more = append(sites[i].more, "INVITATION_METRICS_ADDR="+scraped)
			go scrape(ctx, "http://"+scraped+"/metrics")
		}
		if w.traces != "" {
			sites[i].more = append(sites[i].more, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+collector.addr,
				"OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG="+w.traces)
		}
		if err := sites[i].startAPI(ctx, l.binary); err != nil {
			return err
		}
	}
	for round := range l.rounds + 1 {
		l.say("round %d of %d", round, l.rounds)
		for i, s := range sites {
			m, err := s.enough(ctx, send, rows[i].Service, seenCallers, l.duration, s.runService)
			if err != nil {
				return err
			}
			l.report(rows[i], "the service", m)
			if round > 0 { // the first one is to warm up
				rows[i].Service = append(rows[i].Service, m)
			}
		}
	}
	t := &table{head: []string{fmt.Sprintf("Send, %d callers", seenCallers), "per second", "p99 ms", "CPU µs of the service", "of Postgres", "service ÷ nobody"}}
	service := func(m sample) float64 { return m.CPU.Service }
	for _, r := range rows {
		t.add(r.Title, number(medianOf(r.Service, rate)), number(medianOf(r.Service, func(m sample) float64 { return m.P99 })),
			number(medianOf(r.Service, service)), number(medianOf(r.Service, func(m sample) float64 { return m.CPU.Postgres })),
			fmt.Sprintf("%.3f", medianRatio(r.Service, rows[0].Service, service)))
	}
	t.print(stdout)
	return nil
}

// scrape does once a second what Prometheus does every 15.
func scrape(ctx context.Context, url string) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
}

// drain is a collector that keeps nothing.
type drain struct {
	*grpc.Server
	addr string
}

func sink() (*drain, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&pb.GetStatusRequest{}); err != nil { // any message has unknown fields
			return err
		}
		return stream.SendMsg(&pb.GetStatusRequest{})
	}))
	go func() { _ = s.Serve(l) }()
	return &drain{s, l.Addr().String()}, nil
}
