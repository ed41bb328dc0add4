package client_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"

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

type broken struct{ err error }

// Write implements io.Writer.
func (b broken) Write([]byte) (int, error) { return 0, b.err }

type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
