package client

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// InfoSheets writes one PDF to w, as it comes, and returns what became of each user,
// in the order of the request. It reads no faster than w takes it, and no link is
// issued much ahead of that; a w that takes nothing for a minute ends it. Where nobody
// has a page, nothing is written.
//
// Until the first page comes it is repeated as other calls are. After an error w has half a document: call again with the same RequestId and
// another w. Users of whom there already were results keep the links that they were
// given.
func (c *Client) InfoSheets(ctx context.Context, req *pb.GenerateInfoSheetsRequest, w io.Writer) ([]*pb.GenerateInfoSheetsResponse, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // if w fails, the rest is not wanted
	begin, end := patient(ctx)
	defer end()
	req = identified(req).(*pb.GenerateInfoSheetsRequest)
	for attempt := 0; ; attempt++ {
		var first *pb.GenerateInfoSheetsResponse
		var trailer metadata.MD
		stream, err := c.GenerateInfoSheets(ctx, req, grpc.Trailer(&trailer))
		if err == nil {
			first, err = stream.Recv()
		}
		if delay, again := nextDelay(err, trailer, attempt); again && pause(begin, delay) {
			continue
		}
		return writeSheets(stream, first, err, w)
	}
}

// writeSheets writes what a stream has brought, and the rest of it.
func writeSheets(stream pb.InvitationService_GenerateInfoSheetsClient, next *pb.GenerateInfoSheetsResponse, err error, w io.Writer) ([]*pb.GenerateInfoSheetsResponse, error) {
	var results []*pb.GenerateInfoSheetsResponse
	for ; err == nil; next, err = stream.Recv() {
		if _, err := w.Write(next.GetPdf()); err != nil {
			return results, err
		}
		if next.Pdf = nil; next.GetUserId() != "" {
			results = append(results, next)
		}
	}
	if errors.Is(err, io.EOF) {
		return results, nil
	}
	return results, err
}
