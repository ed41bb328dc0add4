package client_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kiwi-ki/invitations/pkg/client"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

type sheetStream = grpc.ServerStreamingServer[pb.GenerateInfoSheetsResponse]

// TestInfoSheetsUnfinished: after an error there are the results so far, and a writer
// that fails ends the call.
func TestInfoSheetsUnfinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		s := &server{sheets: func(_ *pb.GenerateInfoSheetsRequest, stream sheetStream) error {
			if err := stream.Send(&pb.GenerateInfoSheetsResponse{UserId: "anna", Page: 1, Pdf: []byte("%PDF")}); err != nil {
				return err
			}
			<-stream.Context().Done()
			close(ended)
			return stream.Context().Err()
		}}
		c := connect(t, s)
		full := errors.New("disk full")
		if _, err := c.InfoSheets(t.Context(), &pb.GenerateInfoSheetsRequest{}, broken{full}); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
		<-ended

		ended = make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		results, err := c.InfoSheets(ctx, &pb.GenerateInfoSheetsRequest{}, writerFunc(func(p []byte) (int, error) {
			cancel()
			return out.Write(p)
		}))
		if err == nil || len(results) != 1 || results[0].GetUserId() != "anna" || out.String() != "%PDF" {
			t.Errorf("got %v, %v, %q", results, err, out.String())
		}
	})
}

// TestInfoSheetsBegin: what the service could not take is asked for again under the
// same request_id, but nothing once there is a page.
func TestInfoSheetsBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		s := &server{}
		s.sheets = func(req *pb.GenerateInfoSheetsRequest, stream sheetStream) error {
			asked = append(asked, req.GetRequestId())
			switch len(asked) {
			case 1:
				return refused(codes.Unavailable, after(10*time.Second))
			case 2:
				if err := stream.Send(&pb.GenerateInfoSheetsResponse{UserId: "anna", Page: 1, Pdf: []byte("%PDF")}); err != nil {
					return err
				}
			}
			return refused(codes.Unavailable)
		}
		c, began := connect(t, s), time.Now()
		var out bytes.Buffer
		results, err := c.InfoSheets(t.Context(), &pb.GenerateInfoSheetsRequest{}, &out)
		if status.Code(err) != codes.Unavailable || len(results) != 1 || out.String() != "%PDF" || time.Since(began) < 10*time.Second {
			t.Errorf("after %v: %v, %v, %q", time.Since(began), results, err, out.String())
		}
		if len(asked) != 2 || asked[0] == "" || asked[0] != asked[1] {
			t.Errorf("the request ids are %q", asked)
		}

		s.stop() // so that there is no stream at all
		began = time.Now()
		if _, err := c.InfoSheets(t.Context(), &pb.GenerateInfoSheetsRequest{}, &out); status.Code(err) != codes.Unavailable || time.Since(began) > client.Patience || time.Since(began) < client.Patience/2 {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

type broken struct{ err error }

// Write implements io.Writer.
func (b broken) Write([]byte) (int, error) { return 0, b.err }

type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
