//go:build !fast

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// greeting is the start of a connection. Its settings take minutes at the speed of
// drip.
var greeting = []byte(http2.ClientPreface + "\x00\x02\x58\x04\x00\x00\x00\x00\x00" + strings.Repeat("\x00\x03\x00\x00\x00\x01", 100))

// TestSlowLoris: connections that say nothing, or so slowly that they never have
// shaken hands, are closed.
func TestSlowLoris(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	v.during(func(context.Context) error {
		var group errgroup.Group
		for n := range 400 {
			said := []int{0, 10, len(http2.ClientPreface), len(http2.ClientPreface) + 9}[n%4]
			rest := greeting[said:]
			if n%8 < 4 {
				rest = nil
			}
			group.Go(func() error { return utter(v.addr, greeting[:said], rest) })
		}
		return group.Wait()
	})
	v.survives(memoryBound)
}

// TestSlowLorisOnTLS: the same for those who never get through TLS, also for lack
// of a certificate or of TLS, and for those who stop right after it.
func TestSlowLorisOnTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "run", "../../internal/dev/devcerts", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	operator := operatorTLS(t, dir)
	v := newVictim(t, credentials.NewTLS(operator),
		"INVITATION_TLS_CERT="+dir+"/server.pem", "INVITATION_TLS_KEY="+dir+"/server-key.pem",
		"INVITATION_TLS_CLIENT_CA="+dir+"/ca.pem", "INVITATION_ACCESS_POLICY=../../deploy/access-policy.json")
	stranger := operator.Clone()
	stranger.Certificates = nil
	hello := clientHello(stranger)
	v.during(func(ctx context.Context) error {
		var group errgroup.Group
		for range 50 {
			group.Go(func() error { return utter(v.addr, nil, hello) })
			group.Go(func() error { return utter(v.addr, hello[:len(hello)/2], hello[len(hello)/2:]) })
			group.Go(func() error { return utter(v.addr, hello, nil) })
			group.Go(func() error { return utter(v.addr, greeting, nil) })
			group.Go(func() error { return shakeHands(ctx, v.addr, stranger) })
			group.Go(func() error { return shakeHands(ctx, v.addr, operator) })
		}
		return group.Wait()
	})
	v.survives(memoryBound)
}

func operatorTLS(t *testing.T, dir string) *tls.Config {
	t.Helper()
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, "break-glass.pem"), filepath.Join(dir, "break-glass-key.pem"))
	must(t, err)
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &tls.Config{
		Certificates: []tls.Certificate{own}, RootCAs: roots, ServerName: "localhost", NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS13,
	}
}

// clientHello is the first thing that a caller of TLS says.
func clientHello(c *tls.Config) []byte {
	near, far := net.Pipe()
	go func() { _ = tls.Client(near, c).Handshake() }()
	hello := make([]byte, 4096)
	n, _ := far.Read(hello)
	_ = far.Close()
	return hello[:n]
}

// shakeHands goes through TLS, says nothing more, and returns when the server
// closes the connection.
func shakeHands(ctx context.Context, addr string, c *tls.Config) error {
	conn, err := dialRaw(addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	over := tls.Client(conn, c)
	if err := over.HandshakeContext(context.WithoutCancel(ctx)); err != nil && !closed(err) {
		return err
	}
	_, err = io.Copy(io.Discard, over)
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return err
	}
	return nil
}

// TestUnfinishedHeaders: those that have shaken hands and then stop within a
// header block hold up nobody but themselves.
func TestUnfinishedHeaders(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	v.during(func(ctx context.Context) error {
		var group errgroup.Group
		for n := range 200 {
			group.Go(func() error {
				p, err := dialPeer(v.addr)
				if err != nil {
					return err
				}
				defer func() { _ = p.Close() }()
				block := p.headers(getUser)
				err = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:n%len(block)]})
				err = errors.Join(err, p.out.Flush())
				<-ctx.Done()
				return err
			})
		}
		return group.Wait()
	})
	v.survives(memoryBound)
}

const (
	getUser    = "/kiwi.invitation.v1.UserService/GetUser"
	listEvents = "/kiwi.invitation.v1.InvitationService/ListEvents"
)

// getAnna is a good request for getUser.
func getAnna(t *testing.T) []byte {
	t.Helper()
	body, err := proto.Marshal(&pb.GetUserRequest{OrganizationId: "demo", UserId: "anna"})
	must(t, err)
	return enveloped(0, body)
}

// TestTooManyStreams: one connection opens ten thousand streams and says nothing
// on any of them.
func TestTooManyStreams(t *testing.T) {
	t.Parallel()
	const streams = 10_000
	v := onPlaintext(t)
	p, err := dialPeer(v.addr)
	must(t, err)
	defer func() { _ = p.Close() }()
	v.during(func(ctx context.Context) error {
		got := make(chan tally, 1)
		go func() {
			c, _ := p.count(true)
			got <- c
		}()
		for n := range streams {
			if err := p.open(n, getUser); err != nil {
				return err
			}
		}
		if err := p.ping(); err != nil {
			return err
		}
		c := <-got
		t.Logf("%d streams are allowed, %d of %d were refused", p.maxStreams, c.refused, streams)
		if p.maxStreams == 0 || c.refused < streams-int(p.maxStreams) {
			return fmt.Errorf("only %d streams were refused", c.refused)
		}
		<-ctx.Done()
		return nil
	})
	v.serves()
	must(t, p.Close())
	v.survives(memoryBound)
}

// TestRapidReset opens streams and takes them back at once, with and without a
// request on them.
func TestRapidReset(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	for _, body := range [][]byte{nil, getAnna(t)} {
		sent := 0
		v.during(func(ctx context.Context) error {
			for sent == 0 || ctx.Err() == nil {
				if err := resetRapidly(v.addr, body, 10_000); err != nil {
					return err
				}
				sent += 10_000
			}
			return nil
		})
		t.Logf("%d streams with %d bytes were reset", sent, len(body))
	}
	v.survives(memoryBound)
}

// resetRapidly returns when the server has seen all of it.
func resetRapidly(addr string, body []byte, streams int) error {
	p, err := dialPeer(addr)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	var reading errgroup.Group
	reading.Go(func() error {
		_, err := p.count(true)
		return err
	})
	for n := range streams {
		err := p.open(n, getUser)
		if body != nil {
			err = errors.Join(err, p.WriteData(stream(n), true, body))
		}
		if err := errors.Join(err, p.WriteRSTStream(stream(n), http2.ErrCodeCancel)); err != nil {
			return err
		}
	}
	return errors.Join(p.ping(), reading.Wait())
}

// TestPingFlood: who pings on and on is told to calm down, and is gone.
func TestPingFlood(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	v.during(func(ctx context.Context) error {
		for first := true; first || ctx.Err() == nil; first = false {
			var group errgroup.Group
			for range 10 {
				group.Go(func() error { return pingOn(v.addr) })
			}
			if err := group.Wait(); err != nil {
				return err
			}
		}
		return nil
	})
	v.survives(memoryBound)
}

// pingOn returns when the server closes the connection.
func pingOn(addr string) error {
	p, err := dialPeer(addr)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	go func() {
		for n := 0; n < 10_000 && p.ping() == nil; n++ {
		}
	}()
	c, err := p.count(false)
	if err == nil && c.goAway != http2.ErrCodeEnhanceYourCalm {
		err = fmt.Errorf("a flood of pings ended with %v", c.goAway)
	}
	return err
}

// TestSettingsFlood: who wants answer after answer and takes none is held back, and
// the answers don't pile up.
func TestSettingsFlood(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	sent := 0
	v.during(func(ctx context.Context) error {
		p, err := dialPeer(v.addr)
		if err != nil {
			return err
		}
		defer func() { _ = p.Close() }()
		if err := p.Conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			return err
		}
		defer context.AfterFunc(ctx, func() { _ = p.SetDeadline(time.Now()) })()
		for ; err == nil; sent++ {
			err = p.WriteSettings(http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: 1 << 16})
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		return nil
	})
	t.Logf("%d settings were taken", sent)
	v.survives(memoryBound)
}

// TestBigHeaders: more than 8 KiB of them are refused, however they are made.
func TestBigHeaders(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	value := strings.Repeat(canaryWord, 300)
	for name, write := range map[string]func(p *peer) error{
		"one field": func(p *peer) error {
			return p.open(0, getUser, hpack.HeaderField{Name: "x", Value: strings.Repeat(value, 4)})
		},
		"many fields": func(p *peer) error {
			var many []hpack.HeaderField
			for n := range 300 {
				many = append(many, hpack.HeaderField{Name: fmt.Sprintf("x%d", n), Value: canaryWord})
			}
			return p.open(0, getUser, many...)
		},
		"one field, named again and again": func(p *peer) error {
			const newest = 0x80 | 62
			block := append(p.headers(getUser, hpack.HeaderField{Name: "x", Value: value}), bytes.Repeat([]byte{newest}, 8000)...)
			return p.WriteHeaders(http2.HeadersFrameParam{StreamID: stream(0), BlockFragment: block, EndHeaders: true})
		},
		"in continuations": func(p *peer) error {
			err := p.WriteHeaders(http2.HeadersFrameParam{StreamID: stream(0), BlockFragment: p.headers(getUser)})
			more := p.headers(getUser, hpack.HeaderField{Name: "x", Value: value})
			for n := 0; n < 5000 && err == nil; n++ {
				err = p.WriteContinuation(stream(0), n == 4999, more)
			}
			return err
		},
	} {
		p, err := dialPeer(v.addr)
		must(t, err)
		if err := errors.Join(write(p), p.WriteData(stream(0), true, getAnna(t)), p.out.Flush()); err != nil && !closed(err) {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := p.answer()
		must(t, err)
		t.Logf("%s: %s", name, got)
		if got != "closed" && got != http2.ErrCodeFrameSize.String() {
			t.Errorf("%s: got %s", name, got)
		}
		_ = p.Close()
	}
	v.survives(memoryBound)
}

// TestEndlessContinuations: a header block that goes on and on, without content.
func TestEndlessContinuations(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	sent := 0
	v.during(func(ctx context.Context) error {
		p, err := dialPeer(v.addr)
		if err != nil {
			return err
		}
		defer func() { _ = p.Close() }()
		err = p.WriteHeaders(http2.HeadersFrameParam{StreamID: stream(0), BlockFragment: p.headers(getUser)})
		for ; err == nil && (sent < 100_000 || ctx.Err() == nil && sent < 2_000_000); sent++ {
			err = p.WriteContinuation(stream(0), false, nil)
		}
		<-ctx.Done()
		return err
	})
	t.Logf("%d empty frames were sent", sent)
	v.survives(memoryBound)
}

// TestHugeMessage announces 1 GiB, and goes on sending it when it was refused.
func TestHugeMessage(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	v.during(func(ctx context.Context) error {
		p, err := dialPeer(v.addr)
		if err != nil {
			return err
		}
		defer func() { _ = p.Close() }()
		err = errors.Join(p.open(0, getUser), p.WriteData(stream(0), false, []byte{0, 0x40, 0, 0, 0}), p.out.Flush())
		if err != nil {
			return err
		}
		got, err := p.answer()
		if err == nil && got != "200 3" {
			err = fmt.Errorf("1 GiB got %s", got)
		}
		if err != nil {
			return err
		}
		go func() { _, _ = p.count(false) }()
		chunk := bytes.Repeat([]byte(canaryWord), 1600)
		for sent := 0; sent < 256<<20 && err == nil; sent += len(chunk) {
			err = p.WriteData(stream(0), false, chunk)
		}
		<-ctx.Done()
		if closed(err) {
			err = nil
		}
		return err
	})
	v.survives(memoryBound)
}

// TestUnfinishedMessages: connections send all but the end of as many messages as
// they may. What they sent is held, so memory is in proportion to the streams that
// are allowed.
func TestUnfinishedMessages(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	peers := make([]*peer, 2)
	held := 0
	for n := range peers {
		var err error
		peers[n], err = dialPeer(v.addr)
		must(t, err)
		held += int(peers[n].maxStreams) * 64 << 10
	}
	v.during(func(ctx context.Context) error {
		var group errgroup.Group
		for _, p := range peers {
			group.Go(func() error { return neverFinish(ctx, p) })
		}
		return group.Wait()
	})
	t.Logf("%d MiB were sent", held>>20)
	v.survives(memoryBound + 3*held)
}

func neverFinish(ctx context.Context, p *peer) (err error) {
	defer func() { _ = p.Close() }()
	go func() { _, _ = p.count(false) }()
	announced := []byte{0, 0, 1, 0, 0}
	chunk := bytes.Repeat([]byte(canaryWord), 1600)
	for n := range int(p.maxStreams) {
		err = errors.Join(err, p.open(n, getUser), p.WriteData(stream(n), false, announced))
		for range 4 {
			err = errors.Join(err, p.WriteData(stream(n), false, chunk))
		}
	}
	err = errors.Join(err, p.out.Flush())
	<-ctx.Done()
	return err
}

// TestSlowReaders: one connection asks for long lists, and takes no byte of any.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	v.serves()
	body, err := proto.Marshal(&pb.ListEventsRequest{OrganizationId: "demo", PageSize: 100})
	must(t, err)
	v.during(func(ctx context.Context) error {
		p, err := dialPeer(v.addr, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		if err != nil {
			return err
		}
		defer func() { _ = p.Close() }()
		go func() { _, _ = p.count(false) }()
		for n := range 100 {
			err = errors.Join(err, p.open(n, listEvents), p.WriteData(stream(n), true, enveloped(0, body)))
		}
		err = errors.Join(err, p.out.Flush())
		<-ctx.Done()
		return err
	})
	v.survives(memoryBound)
}

// TestIdleConnections holds thousands of connections open: 5,000, or as many as
// the limit on open files lets the test have, but not less than 2,000.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	// The runtime has raised the limit as far as it goes, for the process too.
	var files syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files))
	idle := min(5000, int(files.Cur)-1000)
	if idle < 2000 {
		t.Fatalf("%d open files are allowed, and the test needs 3000", files.Cur)
	}
	v := onPlaintext(t)
	peers := make([]*peer, idle)
	v.during(func(ctx context.Context) error {
		var group errgroup.Group
		group.SetLimit(20)
		for n := range peers {
			group.Go(func() (err error) {
				peers[n], err = dialPeer(v.addr)
				return err
			})
		}
		err := group.Wait()
		<-ctx.Done()
		return err
	})
	v.serves()
	t.Logf("%d connections were open", idle)
	for _, p := range peers {
		_ = p.Close()
	}
	v.survives(memoryBound + idle*256<<10)
}

// TestGarbage: what is not HTTP/2 is closed at once.
func TestGarbage(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	hello := clientHello(&tls.Config{ServerName: canaryWord, MinVersion: tls.VersionTLS12})
	v.during(func(ctx context.Context) error {
		random := rand.NewChaCha8([32]byte{1})
		for n := 0; n < 100 || ctx.Err() == nil; n++ {
			noise := make([]byte, len(http2.ClientPreface)+n%2000)
			_, _ = random.Read(noise)
			for _, text := range [][]byte{noise, hello, []byte("GET /" + canaryWord + " HTTP/1.1\r\nHost: invitations\r\n\r\n")} {
				if err := utter(v.addr, text, nil); err != nil && !closed(err) {
					return err
				}
			}
		}
		return nil
	})
	v.survives(memoryBound)
}

// TestRandomFrames: after a good start, anything may come.
func TestRandomFrames(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	v.during(func(ctx context.Context) error {
		source := rand.NewChaCha8([32]byte{2})
		random := rand.New(source)
		for n := 0; n < 500 || ctx.Err() == nil; n++ {
			p, err := dialPeer(v.addr)
			if err != nil {
				return err
			}
			for range 20 {
				body := make([]byte, random.IntN(64))
				_, _ = source.Read(body)
				_ = p.WriteRawFrame(http2.FrameType(random.IntN(12)), http2.Flags(random.IntN(256)), uint32(random.IntN(6)), body)
			}
			if err := p.out.Flush(); err != nil && !closed(err) {
				return err
			}
			_ = p.Close()
		}
		return nil
	})
	v.survives(memoryBound)
}

// TestMalformedCalls: each gets its status, and the next is served.
func TestMalformedCalls(t *testing.T) {
	t.Parallel()
	v := onPlaintext(t)
	good, packed := getAnna(t), enveloped(1, bomb(t))
	field := func(name, value string) []hpack.HeaderField { return []hpack.HeaderField{{Name: name, Value: value}} }
	for name, c := range map[string]struct {
		headers []hpack.HeaderField
		body    []byte
		want    string
	}{
		"as it should be":   {nil, good, "200 0"},
		"no protobuf":       {nil, enveloped(0, []byte("\xff\xff"+canaryWord)), "200 3"},
		"no UTF-8":          {nil, enveloped(0, []byte("\x0a\x0c"+canaryWord+"\xff\xff")), "200 3"},
		"half a message":    {nil, good[:8], "200 3"},
		"message too large": {nil, enveloped(0, make([]byte, 128<<10+1)), "200 3"},
		"content type":      {field("content-type", "text/"+canaryWord), good, "415 3"},
		"no content type":   {field("content-type", ""), good, "415 3"},
		"GET":               {field(":method", "GET"), good, "405 13"},
		"no authority":      {field(":authority", ""), good, "400 13"},
		"no such method":    {field(":path", "/kiwi.invitation.v1.UserService/No"), good, "200 12"},
		"no path":           {field(":path", canaryWord), good, "200 12"},
		"metadata":          {field("x-bin", canaryWord+"%"), good, "400 13"},
		"gzip":              {field("grpc-encoding", "gzip"), packed, "200 3"},
		"no such encoding":  {field("grpc-encoding", canaryWord), packed, "200 12"},
		"no encoding":       {nil, packed, "200 3"},
		"packed by nothing": {field("grpc-encoding", "identity"), packed, "200 3"},
		"timeout":           {field("grpc-timeout", "99999999H"), good, "200 0"},
		"timeout of 0":      {field("grpc-timeout", "0S"), good, "200 4"},
		"timeout too long":  {field("grpc-timeout", "999999999H"), good, "400 13"},
		"timeout below 0":   {field("grpc-timeout", "-1S"), good, "400 13"},
		"timeout's unit":    {field("grpc-timeout", "10x"), good, "400 13"},
		"no timeout":        {field("grpc-timeout", canaryWord), good, "400 13"},
	} {
		p, err := dialPeer(v.addr)
		must(t, err)
		must(t, errors.Join(p.open(0, getUser, c.headers...), p.WriteData(stream(0), true, c.body[:min(len(c.body), 16000)]), p.out.Flush()))
		got, err := p.answer()
		must(t, err)
		if got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		_ = p.Close()
	}
	v.survives(memoryBound)
}

// bomb is 8 MiB of nothing, packed.
func bomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(slices.Repeat([]byte{0}, 8<<20))
	must(t, errors.Join(err, z.Close()))
	return b.Bytes()
}
