package server

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

var _ pb.InvitationServiceServer = (*invitationService)(nil)

type invitationService struct {
	pb.UnsafeInvitationServiceServer
	api
	// printing counts the documents of each organization.
	printing *shares
	// pens are for those who draw.
	pens *semaphore.Weighted
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

// act runs a rule on the user that a request names. The change says what else there
// is to it.
func (a *api) act(ctx context.Context, cause string, req targeted, c invitation.Change, do rule) (invitation.Result, *pb.Invitation, error) {
	var err error
	if c.Request, err = origin(ctx, cause, req); err != nil {
		return invitation.Result{}, nil, err
	}
	target := fromTarget(req.GetTarget())
	c.Key = inOrganization(req)
	c.Rule = func(u *invitation.User, now time.Time) error { return do(u, target, now) }
	res, err := a.Store.Update(ctx, c)
	if err != nil {
		return invitation.Result{}, nil, err
	}
	inv, err := a.toInvitation(res.User, res.User.Invitations[target], res.Now)
	return res, inv, err
}

// Send implements pb.InvitationServiceServer.
func (s *invitationService) Send(ctx context.Context, req *pb.SendRequest) (*pb.SendResponse, error) {
	_, inv, err := s.act(ctx, "InvitationService/Send", req, invitation.Change{Mails: true}, s.send(req.GetDespiteBounce()))
	return &pb.SendResponse{Invitation: inv}, err
}

// Renew implements pb.InvitationServiceServer.
func (s *invitationService) Renew(ctx context.Context, req *pb.RenewRequest) (*pb.RenewResponse, error) {
	_, inv, err := s.act(ctx, "InvitationService/Renew", req, invitation.Change{Mails: true}, s.renew(req.GetDespiteBounce()))
	return &pb.RenewResponse{Invitation: inv}, err
}

// Revoke implements pb.InvitationServiceServer.
func (s *invitationService) Revoke(ctx context.Context, req *pb.RevokeRequest) (*pb.RevokeResponse, error) {
	_, inv, err := s.act(ctx, "InvitationService/Revoke", req, invitation.Change{}, (*invitation.User).Revoke)
	return &pb.RevokeResponse{Invitation: inv}, err
}

// ResetActivation implements pb.InvitationServiceServer.
func (s *invitationService) ResetActivation(ctx context.Context, req *pb.ResetActivationRequest) (*pb.ResetActivationResponse, error) {
	user, err := s.change(ctx, "InvitationService/ResetActivation", req, invitation.Change{
		Key: inOrganization(req),
		Rule: func(u *invitation.User, now time.Time) error {
			return u.ResetActivation(fromTarget(req.GetTarget()), now)
		},
	})
	return &pb.ResetActivationResponse{User: user}, err
}

// UpdateEmail implements pb.InvitationServiceServer.
func (s *invitationService) UpdateEmail(ctx context.Context, req *pb.UpdateEmailRequest) (*pb.UpdateEmailResponse, error) {
	next := invitation.FollowUp{SendNow: req.GetFollowUp() == pb.FollowUp_FOLLOW_UP_SEND_NOW, DespiteBounce: req.GetDespiteBounce()}
	if next.SendNow {
		if err := badTarget(req.GetTarget()); err != nil {
			return nil, err
		}
		next.Target = fromTarget(req.GetTarget())
	} else if next.DespiteBounce {
		return nil, badField("despite_bounce", "needs FOLLOW_UP_SEND_NOW")
	}
	email, err := address("email", req.GetEmail())
	if err != nil {
		return nil, err
	}
	user, err := s.change(ctx, "InvitationService/UpdateEmail", req, invitation.Change{
		Key: inOrganization(req), Mails: next.SendNow, Claim: email,
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

func (a *api) send(despiteBounce bool) rule {
	return func(u *invitation.User, target invitation.Target, now time.Time) error {
		return u.Send(target, despiteBounce, now, a.Validity)
	}
}

func (a *api) renew(despiteBounce bool) rule {
	return func(u *invitation.User, target invitation.Target, now time.Time) error {
		return u.Renew(target, despiteBounce, now, a.Validity)
	}
}
