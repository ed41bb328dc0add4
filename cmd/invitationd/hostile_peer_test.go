//go:build !fast

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// hangTime ends a test that hangs. Nothing else depends on it.
const hangTime = 90 * time.Second

// peer is a caller that writes its own HTTP/2 frames. One goroutine may write
// while another reads.
type peer struct {
	net.Conn
	*http2.Framer
	out     *bufio.Writer
	block   bytes.Buffer
	encoder *hpack.Encoder
	// maxStreams is what the server said that it allows.
	maxStreams uint32
}

// dialRaw connects and says nothing.
func dialRaw(addr string) (net.Conn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(hangTime))
}

// dialPeer connects and shakes hands.
func dialPeer(addr string, settings ...http2.Setting) (*peer, error) {
	conn, err := dialRaw(addr)
	if err != nil {
		return nil, err
	}
	p := &peer{Conn: conn, out: bufio.NewWriter(conn)}
	p.Framer = http2.NewFramer(p.out, bufio.NewReader(conn))
	p.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.encoder = hpack.NewEncoder(&p.block)
	_, _ = p.out.WriteString(http2.ClientPreface)
	if err := errors.Join(p.WriteSettings(settings...), p.out.Flush()); err != nil {
		return nil, err
	}
	frame, err := p.ReadFrame()
	if err != nil {
		return nil, err
	}
	hello, ok := frame.(*http2.SettingsFrame)
	if !ok {
		return nil, fmt.Errorf("the server began with %v", frame)
	}
	p.maxStreams, _ = hello.Value(http2.SettingMaxConcurrentStreams)
	return p, nil
}

// headers encodes those of a request. A name that is there already is replaced, and
// one without a value is left out.
func (p *peer) headers(path string, more ...hpack.HeaderField) []byte {
	fields := []hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":path", Value: path},
		{Name: ":authority", Value: "invitations"}, {Name: "content-type", Value: "application/grpc"}, {Name: "te", Value: "trailers"},
	}
	for _, m := range more {
		if i := slices.IndexFunc(fields, func(f hpack.HeaderField) bool { return f.Name == m.Name }); i >= 0 {
			fields[i] = m
		} else {
			fields = append(fields, m)
		}
	}
	p.block.Reset()
	for _, f := range fields {
		if f.Value != "" {
			_ = p.encoder.WriteField(f)
		}
	}
	return slices.Clone(p.block.Bytes())
}

// open opens the nth stream, from 0, and leaves it open.
func (p *peer) open(n int, path string, more ...hpack.HeaderField) error {
	return p.WriteHeaders(http2.HeadersFrameParam{StreamID: stream(n), BlockFragment: p.headers(path, more...), EndHeaders: true})
}

// stream is the id of the nth stream, from 0.
func stream(n int) uint32 { return uint32(2*n + 1) }

// enveloped puts gRPC's five bytes before a message.
func enveloped(compressed byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{compressed}, uint32(len(body))), body...)
}

// answer is how the server ended the first stream: with HTTP's and gRPC's status
// ("200 0"), the name of a reset's code, or "closed" with the connection.
func (p *peer) answer() (string, error) {
	said := map[string]string{}
	for {
		frame, err := p.ReadFrame()
		switch {
		case closed(err):
			return "closed", nil
		case err != nil:
			return "", err
		case frame.Header().StreamID != stream(0):
			continue
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, field := range f.Fields {
				said[field.Name] = field.Value
			}
			if f.StreamEnded() {
				return said[":status"] + " " + said["grpc-status"], nil
			}
		case *http2.RSTStreamFrame:
			return f.ErrCode.String(), nil
		}
	}
}

// tally is what a server answered to a flood.
type tally struct {
	refused int
	// goAway is the code of the farewell, if there was one.
	goAway http2.ErrCode
}

// count reads until the answer to a ping, or the end.
func (p *peer) count(untilPong bool) (c tally, err error) {
	for {
		frame, err := p.ReadFrame()
		if closed(err) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
		switch f := frame.(type) {
		case *http2.RSTStreamFrame:
			if f.ErrCode == http2.ErrCodeRefusedStream {
				c.refused++
			}
		case *http2.GoAwayFrame:
			c.goAway = f.ErrCode
		case *http2.PingFrame:
			if f.IsAck() && untilPong {
				return c, nil
			}
		}
	}
}

// ping has a reader know that the server has seen all until here.
func (p *peer) ping() error { return errors.Join(p.WritePing(false, [8]byte{}), p.out.Flush()) }

// closed says whether an error is that the other side closed the connection.
func closed(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// utter says something at once, then the rest a byte at a time, and returns when
// the server closes the connection.
func utter(addr string, atOnce, rest []byte) error {
	conn, err := dialRaw(addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write(atOnce); err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	go drip(ctx, conn, rest)
	if _, err := io.Copy(io.Discard, conn); err != nil && !closed(err) {
		return fmt.Errorf("after %d bytes and then one by one: %w", len(atOnce), err)
	}
	return nil
}

func drip(ctx context.Context, w io.Writer, text []byte) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for _, b := range text {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_, _ = w.Write([]byte{b})
		}
	}
}
