package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"
)

var link = regexp.MustCompile(`https?://\S+/([0-9A-Za-z]{46})\b`)

// printToken reads the newest mail to an address as a person would, and cuts the
// token out of its link.
func printToken(ctx context.Context, address string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		text, err := newestMail(ctx, address)
		if err != nil {
			return fmt.Errorf("read the inbox: %w", err)
		}
		if found := link.FindStringSubmatch(text); found != nil {
			_, err := fmt.Fprintln(out, found[1])
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no mail with a link to %s came", address)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// newestMail returns the plain part, or nothing if there is no mail.
func newestMail(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		"http://"+inboxAddr()+"/api/messages?to="+url.QueryEscape(address), nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var mails []struct{ Text string }
	if err := json.NewDecoder(resp.Body).Decode(&mails); err != nil || len(mails) == 0 {
		return "", err
	}
	return mails[0].Text, nil
}
