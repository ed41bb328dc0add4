package server

import (
	"bytes"
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
	res, inv, err := s.act(ctx, "InvitationService/GenerateQR", req, invitation.Change{Answer: shownGeneration(target)},
		func(u *invitation.User, target invitation.Target, now time.Time) error {
			return u.GenerateQR(target, now, s.Validity)
		})
	if err != nil {
		return nil, err
	}
	resp := &pb.GenerateQRResponse{Invitation: inv, ContentType: draw.contentType}
	link, works := s.shownLink(res, target)
	if !works {
		return resp, nil
	}
	resp.Link = link.Reveal()
	err = s.inTurn(ctx, func() (err error) {
		resp.Image, err = draw.draw(resp.GetLink(), draw.options)
		return err
	})
	return resp, err
}

// shownGeneration is what a repeated call knows its link by.
func shownGeneration(target invitation.Target) func(*invitation.User, time.Time) ([]byte, error) {
	return func(u *invitation.User, _ time.Time) ([]byte, error) {
		return generationOf(u.Invitations[target]), nil
	}
}

func generationOf(inv *invitation.Invitation) []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(inv.Shared.Generation))
}

// shownLink is the link that a call shows: one that works, and for a repeated call
// the one that it showed before.
func (a *api) shownLink(res invitation.Result, target invitation.Target) (link invitation.Link, works bool) {
	inv := res.User.Invitations[target]
	if inv.State(res.Now) != invitation.Pending || !inv.Shared.Open || !bytes.Equal(generationOf(inv), res.Answer) {
		return invitation.Link{}, false
	}
	return a.Linker.Link(inv, invitation.Shared), true
}

// inTurn draws no more at once than half of the processors can: each drawing takes
// one for milliseconds, which others then wait for.
func (s *invitationService) inTurn(ctx context.Context, draw func() error) error {
	if s.pens.Acquire(ctx, 1) != nil {
		return &invitation.RetryError{Err: invitation.ErrUnavailable, After: retryAfter}
	}
	defer s.pens.Release(1)
	return draw()
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
