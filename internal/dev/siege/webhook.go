package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

const webhookPath = "/webhooks/sendgrid"

// sealed puts a timestamp, and a signature of it and the body, into a header.
func (f *field) sealed(h http.Header, body []byte) error {
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	digest := sha256.Sum256(append([]byte(timestamp), body...))
	signature, err := ecdsa.SignASN1(rand.Reader, f.key, digest[:])
	if err != nil {
		return err
	}
	h.Set("X-Twilio-Email-Event-Webhook-Timestamp", timestamp)
	h.Set("X-Twilio-Email-Event-Webhook-Signature", base64.StdEncoding.EncodeToString(signature))
	return nil
}

// post sends a body, with the signature of another one unless it is signed.
func (f *field) post(ctx context.Context, body []byte, signed bool) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+f.webhook+webhookPath, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	of := body
	if !signed {
		of = nil
	}
	if err := f.sealed(r.Header, of); err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, answer.Body.Close()
}

// hugePosts are refused, or broken off: the server does not read them.
func hugePosts(ctx context.Context, f *field) error {
	body := bytes.Repeat([]byte("x"), 8<<20)
	return repeat(ctx, 60, func(ctx context.Context, _, _ int) error {
		if code, err := f.post(ctx, body, false); err == nil && code < 400 {
			return fmt.Errorf("a forged post is answered %d", code)
		}
		return nil
	})
}

// slow counts what became of signed posts beside slowBodies.
var slow struct{ good, refused, longest atomic.Int64 }

// slowBodies holds 16 connections open that say a byte now and then, while the
// provider's own posts come.
func slowBodies(ctx context.Context, f *field) error {
	group, ctx := errgroup.WithContext(ctx)
	for range 16 {
		group.Go(func() error {
			for ctx.Err() == nil {
				f.drip(ctx)
			}
			return nil
		})
	}
	for range 4 {
		group.Go(func() error {
			for ctx.Err() == nil {
				f.report(ctx)
			}
			return nil
		})
	}
	return group.Wait()
}

// drip sends a body byte by byte until the server has enough of it.
func (f *field) drip(ctx context.Context) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", f.webhook)
	if err != nil {
		pause(ctx, settling)
		return
	}
	defer func() { _ = conn.Close() }()
	header := http.Header{}
	if f.sealed(header, nil) != nil {
		return
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "POST %s HTTP/1.1\r\nHost: siege\r\nContent-Length: 4096\r\n", webhookPath)
	_ = header.Write(&head)
	head.WriteString("\r\n[")
	for next := head.Bytes(); ctx.Err() == nil; next = []byte(" ") {
		if _, err := conn.Write(next); err != nil {
			return
		}
		pause(ctx, settling/5)
	}
}

func (f *field) report(ctx context.Context) {
	body := fmt.Appendf(nil, `[{"event":"delivered","sg_event_id":"%s","delivery_id":"%s","timestamp":%d}]`,
		uuid.NewString(), uuid.NewString(), time.Now().Unix())
	start := time.Now()
	code, err := f.post(ctx, body, true)
	switch {
	case ctx.Err() != nil:
	case err != nil || code >= 300:
		slow.refused.Add(1)
	default:
		slow.good.Add(1)
	}
	for took := int64(time.Since(start)); ctx.Err() == nil; {
		if before := slow.longest.Load(); took <= before || slow.longest.CompareAndSwap(before, took) {
			return
		}
	}
}

func signedPosts(context.Context, *field, *seen) (string, error) {
	good, refused, longest := slow.good.Load(), slow.refused.Load(), time.Duration(slow.longest.Load())
	note := fmt.Sprintf("%d signed posts taken, %d not; %d ms at the longest", good, refused, longest.Milliseconds())
	if good == 0 || refused > 0 || longest > 2*time.Second {
		return note, errors.New("the provider's posts suffer")
	}
	return note, nil
}
