package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/kiwi-ki/invitations/internal/dev/sendgridtest"

	"github.com/kiwi-ki/invitations/internal/dev/launch"
)

// inbox takes mails in SendGrid's place and counts those it took.
type inbox struct {
	emulator *sendgridtest.Emulator
	server   *http.Server
	url      string
	taken    atomic.Int64
	first    chan struct{} // closed with the first mail
}

func openInbox(ctx context.Context) (*inbox, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for mails: %w", err)
	}
	b := &inbox{emulator: sendgridtest.New(sendgridtest.Config{}), url: "http://" + l.Addr().String(), first: make(chan struct{})}
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = b.server.Serve(l) }()
	return b, nil
}

// ServeHTTP implements http.Handler. The emulator has no faults and refuses
// nothing that the service sends.
func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.emulator.ServeHTTP(w, r)
	if b.taken.Add(1) == 1 {
		close(b.first)
	}
}

func (b *inbox) close() {
	_ = b.server.Close()
	b.emulator.Close()
}

// measureDelivery counts the mails that workers hand over in a second: from the
// first mail on, with more waiting than they can send.
func (s *site) measureDelivery(ctx context.Context) (sample, error) {
	return s.deliver(ctx, s.lab.binary, nil, s.countMails)
}

// deliver measures while workers, started with those files, send mails.
func (s *site) deliver(ctx context.Context, binary string, files []*os.File, measure func(context.Context, *inbox, int) (sample, error)) (sample, error) {
	mails, err := openInbox(ctx)
	if err != nil {
		return sample{}, err
	}
	defer mails.close()
	if err := s.queueMails(ctx, int64(5000*s.lab.duration.Seconds())); err != nil {
		return sample{}, err
	}
	log, err := os.Create(filepath.Join(s.lab.work, "worker.log"))
	if err != nil {
		return sample{}, err
	}
	defer func() { _ = log.Close() }()
	environ := s.environ(files, "SENDGRID_BASE_URL="+mails.url, "SENDGRID_API_KEY=SG.bench", "INVITATION_MAIL_FROM=einladung@kiwi.example")
	worker, err := launch.Start(ctx, log, environ, files, binary, "serve", "-role", "worker")
	if err != nil {
		return sample{}, err
	}
	defer worker.Stop()
	select {
	case <-mails.first:
	case <-worker.Ended:
		tail, _ := os.ReadFile(log.Name())
		return sample{}, fmt.Errorf("the workers ended: %w\n%s", worker.Err, tail)
	case <-time.After(launch.Patience):
		return sample{}, errors.New("no mail came")
	}
	return measure(ctx, mails, worker.Pid())
}

func (s *site) countMails(ctx context.Context, mails *inbox, worker int) (sample, error) {
	watch := s.watch(worker)
	before, start := mails.taken.Load(), time.Now()
	select {
	case <-ctx.Done():
		return sample{}, ctx.Err()
	case <-time.After(s.lab.duration):
	}
	m := sample{Calls: int(mails.taken.Load() - before), Seconds: time.Since(start).Seconds()}
	m.Rate = float64(m.Calls) / m.Seconds
	watch(&m, m.Calls)
	return m, nil
}

// queueMails leaves just so many jobs in the queue, each with its mail.
func (s *site) queueMails(ctx context.Context, n int64) error {
	if _, err := s.db.Exec(ctx, "TRUNCATE river_job"); err != nil {
		return fmt.Errorf("empty the queue: %w", err)
	}
	k := stock{from: s.next, to: s.next + n, organization: s.spread(), every: 1, state: "QUEUED"}
	s.next = k.to
	return s.make(ctx, k)
}
