package sendgrid

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// maxAnswer bounds how much of an answer is read, in bytes. SendGrid's error
// bodies have some hundreds.
const maxAnswer = 64 << 10

// newHTTPClient never follows a redirect: that would hand the key and the
// mail to whoever is named there.
func newHTTPClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = newTransport()
	}
	return &http.Client{
		Transport:     bounded{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newTransport has no time-out for the answer: the request's context has it.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxAnswer,
		OnProxyConnectResponse: judgeProxy,
	}
}

// bounded cuts every answer off at maxAnswer, for rest reads them whole.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body := response.Body
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(body, maxAnswer), body}
	return response, nil
}

// CloseIdleConnections is what http.Client looks for.
func (b bounded) CloseIdleConnections() {
	if c, ok := b.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// traced also tells whether a request got a connection: without one nothing was sent.
func traced(ctx context.Context) (_ context.Context, connected *atomic.Bool) {
	connected = &atomic.Bool{}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}), connected
}

// proxyRefusal is the status with which a proxy refuses to lead to SendGrid.
type proxyRefusal int

func (p proxyRefusal) Error() string { return "the proxy refuses" }

func judgeProxy(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return proxyRefusal(answer.StatusCode)
}

// noAnswer tells what went wrong in words of our own: the errors of net/http
// name URLs and hosts.
func noAnswer(ctx context.Context, err error, connected bool) error {
	var refused proxyRefusal
	switch cause := ctx.Err(); {
	case errors.As(err, &refused):
		return &invitation.SendError{Account: refused < 500, Reason: fmt.Sprintf("the proxy answers HTTP %d", int(refused))}
	case !connected:
		return &invitation.SendError{Reason: "no connection to SendGrid: " + failure(err)}
	case cause != nil:
		return fmt.Errorf("no answer from SendGrid: %w", cause)
	default:
		return fmt.Errorf("no answer from SendGrid: %s", failure(err))
	}
}

func failure(err error) string {
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		timeout     net.Error
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection broken"
	case errors.As(err, &dns):
		return "host not found"
	case errors.As(err, &certificate):
		return "certificate not trusted"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "connecting took too long"
	}
	return "connection failed"
}
