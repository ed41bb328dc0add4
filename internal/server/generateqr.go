package server

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/qr"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// GenerateQR implements pb.InvitationServiceServer. What can be wrong with the
// image is found before anything is saved.
func (s *invitationService) GenerateQR(ctx context.Context, req *pb.GenerateQRRequest) (*pb.GenerateQRResponse, error) {
	draw, err := drawing(req)
	if err != nil {
		return nil, err
	}
	target := fromTarget(req.GetTarget())
	res, inv, err := s.act(ctx, "InvitationService/GenerateQR", req, invitation.Change{
		Answer: func(u *invitation.User, _ time.Time) ([]byte, error) {
			return shownGeneration(u.Invitations[target]), nil
		},
	}, func(u *invitation.User, target invitation.Target, now time.Time) error {
		return u.GenerateQR(target, now, s.Validity)
	})
	if err != nil {
		return nil, err
	}
	resp := &pb.GenerateQRResponse{Invitation: inv, ContentType: draw.contentType}
	shown := res.User.Invitations[target]
	if shown.State(res.Now) != invitation.Pending || !shown.Shared.Open || string(shownGeneration(shown)) != string(res.Answer) {
		// A repeated call, and the link that it showed has died.
		return resp, nil
	}
	resp.Link = s.Linker.Link(shown, invitation.Shared).Reveal()
	resp.Image, err = s.drawInTurn(ctx, draw, resp.GetLink())
	return resp, err
}

// drawInTurn draws no more images at once than half of the processors can: each
// takes one for milliseconds, which others then wait for.
func (s *invitationService) drawInTurn(ctx context.Context, draw *qrDrawing, link string) ([]byte, error) {
	if s.pens.Acquire(ctx, 1) != nil {
		return nil, &invitation.RetryError{Err: invitation.ErrUnavailable, After: retryAfter}
	}
	defer s.pens.Release(1)
	return draw.draw(link, draw.options)
}

// shownGeneration is what a repeated call knows its link by.
func shownGeneration(inv *invitation.Invitation) []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(inv.Shared.Generation))
}

// qrDrawing is how a QR code was asked for.
type qrDrawing struct {
	contentType string
	draw        func(text string, o qr.Options) ([]byte, error)
	options     qr.Options
}

func drawing(req *pb.GenerateQRRequest) (*qrDrawing, error) {
	d := &qrDrawing{
		contentType: "image/png", draw: qr.PNG,
		options: qr.Options{Size: int(req.GetSizePx()), Mark: fromMark(req.GetMark())},
	}
	if req.GetFormat() == pb.ImageFormat_IMAGE_FORMAT_SVG {
		d.contentType, d.draw = "image/svg+xml", qr.SVG
	}
	if req.GetColor() == "" {
		return d, nil
	}
	color, err := qr.ParseColor(req.GetColor())
	if err != nil {
		return nil, badField("color", err.Error())
	}
	d.options.Color = color
	return d, nil
}
