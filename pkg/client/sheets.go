package client

import (
	"context"
	"errors"
	"io"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// InfoSheets writes one PDF to w, as it comes, and returns what became of each user,
// in the order of the request. It reads no faster than w takes it, and no link is
// issued much ahead of that. Where nobody has a page, nothing is written.
//
// After an error w has half a document: call again with the same RequestId and
// another w. Users of whom there already were results keep the links that they were
// given.
func (c *Client) InfoSheets(ctx context.Context, req *pb.GenerateInfoSheetsRequest, w io.Writer) ([]*pb.GenerateInfoSheetsResponse, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // if w fails, the rest is not wanted
	stream, err := c.GenerateInfoSheets(ctx, req)
	if err != nil {
		return nil, err
	}
	var results []*pb.GenerateInfoSheetsResponse
	for {
		next, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return results, nil
		}
		if err != nil {
			return results, err
		}
		if _, err := w.Write(next.GetPdf()); err != nil {
			return results, err
		}
		if next.Pdf = nil; next.GetUserId() != "" {
			results = append(results, next)
		}
	}
}
