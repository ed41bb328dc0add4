package server

import (
	"context"
	"strings"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/qr"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

var _ pb.InvitationServiceServer = (*invitationService)(nil)

type invitationService struct {
	pb.UnsafeInvitationServiceServer
	api
}

// targeted is a request that acts on one user's invitation.
type targeted interface {
	mutating
	GetOrganizationId() string
	GetUserId() string
	GetTarget() pb.Target
}

// rule is an action on one target.
type rule func(u *invitation.User, target invitation.Target, now time.Time) error

// act runs a rule on the user that a request names.
func (a *api) act(ctx context.Context, cause string, req targeted, mails bool, do rule) (invitation.Result, *pb.Invitation, error) {
	from, err := origin(ctx, cause, req)
	if err != nil {
		return invitation.Result{}, nil, err
	}
	target := fromTarget(req.GetTarget())
	res, err := a.Store.Update(ctx, invitation.Change{
		Key: inOrganization(req), Request: from, Mails: mails,
		Rule: func(u *invitation.User, now time.Time) error { return do(u, target, now) },
	})
	if err != nil {
		return invitation.Result{}, nil, err
	}
	inv, err := a.toInvitation(res.User, res.User.Invitations[target], res.Now)
	return res, inv, err
}

// Send implements pb.InvitationServiceServer.
func (s *invitationService) Send(ctx context.Context, req *pb.SendRequest) (*pb.SendResponse, error) {
	_, inv, err := s.act(ctx, "InvitationService/Send", req, true, s.send)
	return &pb.SendResponse{Invitation: inv}, err
}

// Renew implements pb.InvitationServiceServer.
func (s *invitationService) Renew(ctx context.Context, req *pb.RenewRequest) (*pb.RenewResponse, error) {
	_, inv, err := s.act(ctx, "InvitationService/Renew", req, true, s.renew)
	return &pb.RenewResponse{Invitation: inv}, err
}

// Revoke implements pb.InvitationServiceServer.
func (s *invitationService) Revoke(ctx context.Context, req *pb.RevokeRequest) (*pb.RevokeResponse, error) {
	_, inv, err := s.act(ctx, "InvitationService/Revoke", req, false, (*invitation.User).Revoke)
	return &pb.RevokeResponse{Invitation: inv}, err
}

// GenerateQR implements pb.InvitationServiceServer. What can be wrong with the
// image is found before anything is saved.
func (s *invitationService) GenerateQR(ctx context.Context, req *pb.GenerateQRRequest) (*pb.GenerateQRResponse, error) {
	draw, err := drawing(req)
	if err != nil {
		return nil, err
	}
	res, inv, err := s.act(ctx, "InvitationService/GenerateQR", req, false, s.generateQR)
	if err != nil {
		return nil, err
	}
	resp := &pb.GenerateQRResponse{Invitation: inv, ContentType: draw.contentType}
	if inv.GetState() != pb.InvitationState_INVITATION_STATE_PENDING {
		return resp, nil
	}
	resp.Link = s.Linker.Link(res.User.Invitations[fromTarget(req.GetTarget())], invitation.Shared).Reveal()
	resp.Image, err = draw.image(resp.GetLink())
	return resp, err
}

// UpdateEmail implements pb.InvitationServiceServer.
func (s *invitationService) UpdateEmail(ctx context.Context, req *pb.UpdateEmailRequest) (*pb.UpdateEmailResponse, error) {
	next := invitation.FollowUp{SendNow: req.GetFollowUp() == pb.FollowUp_FOLLOW_UP_SEND_NOW}
	if next.SendNow {
		if req.GetTarget() == pb.Target_TARGET_UNSPECIFIED {
			return nil, badField("target", "is needed to send an invitation now")
		}
		next.Target = fromTarget(req.GetTarget())
	}
	email, err := address("email", req.GetEmail())
	if err != nil {
		return nil, err
	}
	user, err := s.change(ctx, "InvitationService/UpdateEmail", req, invitation.Change{
		Key: inOrganization(req), Mails: next.SendNow, MailTo: email,
		Rule: func(u *invitation.User, now time.Time) error { return u.UpdateEmail(email, next, now, s.Validity) },
	})
	return &pb.UpdateEmailResponse{User: user}, err
}

// change carries out a request that is about a user as a whole.
func (a *api) change(ctx context.Context, cause string, req mutating, c invitation.Change) (*pb.User, error) {
	var err error
	if c.Request, err = origin(ctx, cause, req); err != nil {
		return nil, err
	}
	res, err := a.Store.Update(ctx, c)
	if err != nil {
		return nil, err
	}
	return a.toUser(res.User, res.Now)
}

func (a *api) send(u *invitation.User, target invitation.Target, now time.Time) error {
	return u.Send(target, now, a.Validity)
}

func (a *api) renew(u *invitation.User, target invitation.Target, now time.Time) error {
	return u.Renew(target, now, a.Validity)
}

func (a *api) generateQR(u *invitation.User, target invitation.Target, now time.Time) error {
	return u.GenerateQR(target, now, a.Validity)
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

// image holds the link in upper case, which takes a smaller code.
func (d *qrDrawing) image(link string) ([]byte, error) {
	return d.draw(strings.ToUpper(link), d.options)
}
