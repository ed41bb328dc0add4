package sendgrid

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/kiwi-ki/invitations/internal/filewatch"
)

// loadKey reads the key that stands in a file.
func loadKey(file string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the API key: %w", err)
	}
	return parseKey([][]byte{content})
}

func parseKey(contents [][]byte) (string, error) {
	key := strings.TrimSpace(string(contents[0]))
	return key, checkKey(key)
}

// Follow takes every key that comes to stand in Config.KeyFile, until the context
// ends. One that is broken is logged once, and that of before stays.
func (c *Client) Follow(ctx context.Context, every time.Duration, log *slog.Logger) {
	if c.keyFile == "" {
		return
	}
	w := filewatch.Watcher[string]{
		Read: filewatch.Files(parseKey, c.keyFile),
		Use: func(key string) {
			if old := c.key.Swap(&key); *old != key {
				log.InfoContext(ctx, "another SendGrid key is in use")
			}
		},
		Broken: func(problem string) {
			log.ErrorContext(ctx, "the SendGrid key is broken, that of before stays in use", "error", problem)
		},
	}
	filewatch.Every(ctx, every, w.Look)
}

// rekeyed looks at once whether there is another key than the one that SendGrid
// does not know any more: a key may be revoked sooner than Follow looks.
func (c *Client) rekeyed(used string) (key string, changed bool) {
	if c.keyFile == "" {
		return "", false
	}
	key, err := loadKey(c.keyFile)
	if err != nil || key == used {
		return "", false
	}
	c.key.Store(&key)
	return key, true
}
