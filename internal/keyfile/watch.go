package keyfile

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"time"

	"github.com/kiwi-ki/invitations/internal/filewatch"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// Watch hands over the keys that it finds at first, since they may have changed
// after Load, and then every change, however the file was written, until the
// context ends. Keys that are broken are logged once, and those of before stay.
func Watch(ctx context.Context, path string, every time.Duration, use func(*invitation.KeyRing), log *slog.Logger) {
	w := filewatch.Watcher[*invitation.KeyRing]{
		Read: func() (filewatch.Reading[*invitation.KeyRing], error) {
			c, err := read(path)
			return filewatch.Reading[*invitation.KeyRing]{Sum: sha256.Sum256(c.text), Parse: c.parse}, err
		},
		Use: func(ring *invitation.KeyRing) {
			use(ring)
			log.Info("keys are in force", "keys", summary(ring))
		},
		Broken: func(problem string) {
			log.Error("the keys are broken, those of before stay in force", "error", problem)
		},
	}
	filewatch.Every(ctx, every, w.Look)
}

func summary(ring *invitation.KeyRing) []string {
	var all []string
	for _, k := range ring.Keys() {
		all = append(all, k.ID+" "+string(k.Use)+" "+k.Fingerprint)
	}
	return all
}
