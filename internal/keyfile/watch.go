package keyfile

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Watch looks at the keys again and again until the context ends. It hands over
// what it finds first, so that nothing is missed since Load, and then every
// change, however the file was written. What is broken is logged once and leaves
// the ring of before in use.
//
// A change counts when two looks have found the same: a file that is just being
// written may be read half, and lack keys without being wrong.
func Watch(ctx context.Context, path string, every time.Duration, use func(*invitation.KeyRing), log *slog.Logger) {
	w := watcher{path: path, use: use, log: log}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		w.look()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

type watcher struct {
	path string
	use  func(*invitation.KeyRing)
	log  *slog.Logger
	// seen is what the last look found, acted what was acted upon last.
	seen, acted finding
}

// finding is what a look has found. Secrets are not kept, a sum tells them apart.
type finding struct {
	sum     [sha256.Size]byte
	problem string
}

func (w *watcher) look() {
	ring, now := find(w.path)
	settled := now == w.seen
	w.seen = now
	if !settled || now == w.acted {
		return
	}
	w.acted = now
	if now.problem != "" {
		w.log.Error("the keys are broken, those of before stay in force", "error", now.problem)
		return
	}
	w.use(ring)
	w.log.Info("keys are in force", "keys", summary(ring))
}

func find(path string) (*invitation.KeyRing, finding) {
	c, err := read(path)
	if err != nil {
		return nil, finding{problem: err.Error()}
	}
	f := finding{sum: sha256.Sum256(c.text)}
	ring, err := c.parse()
	if err != nil {
		f.problem = err.Error()
	}
	return ring, f
}

func summary(ring *invitation.KeyRing) []string {
	var all []string
	for _, k := range ring.Keys() {
		all = append(all, k.ID+" "+string(k.Use)+" "+k.Fingerprint)
	}
	return all
}
