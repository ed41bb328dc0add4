package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/kiwi-ki/invitations/internal/access"
	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

var _ pb.RedemptionServiceServer = (*redemptionService)(nil)

type redemptionService struct {
	pb.UnsafeRedemptionServiceServer
	api
	throttle *throttle
}

// Preview implements pb.RedemptionServiceServer.
func (s *redemptionService) Preview(ctx context.Context, req *pb.PreviewRequest) (*pb.PreviewResponse, error) {
	token, err := s.verify(ctx, req.GetToken())
	if err != nil {
		return nil, err
	}
	res, err := s.Store.Read(ctx, invitation.Key{InvitationID: token.InvitationID})
	if err != nil {
		return nil, s.explain(ctx, token, err)
	}
	inv, err := res.User.Check(token, res.Now)
	if err != nil {
		return nil, s.explain(ctx, token, err)
	}
	u, target := res.User, targets.of(inv.Target.String(), &err)
	return &pb.PreviewResponse{
		Target: target, ExpiresAt: toTime(inv.ExpiresAt), DisplayName: u.DisplayName, MaskedEmail: u.Email.Masked(),
		OrganizationId: u.OrganizationID, UserId: u.ID, OrganizationName: u.Organization.Name,
	}, err
}

// Redeem implements pb.RedemptionServiceServer.
func (s *redemptionService) Redeem(ctx context.Context, req *pb.RedeemRequest) (*pb.RedeemResponse, error) {
	token, err := s.verify(ctx, req.GetToken())
	if err != nil {
		return nil, err
	}
	// One token may come in several texts.
	same := proto.CloneOf(req)
	same.Token = fmt.Sprintf("%s/%s/%d", token.InvitationID, token.Channel, token.Generation)
	from, err := origin(ctx, "RedemptionService/Redeem", same)
	if err != nil {
		return nil, err
	}
	res, err := s.Store.Update(ctx, invitation.Change{
		Key: invitation.Key{InvitationID: token.InvitationID}, Request: from,
		Rule:  func(u *invitation.User, now time.Time) error { return u.Redeem(token, now) },
		Again: func(u *invitation.User, now time.Time) error { return u.RedeemedBy(token, now) },
		Answer: func(u *invitation.User, now time.Time) ([]byte, error) {
			inv, err := s.toInvitation(u, u.InvitationByID(token.InvitationID), now)
			if err != nil {
				return nil, err
			}
			user, err := s.toUser(u, now)
			if err != nil {
				return nil, err
			}
			return proto.Marshal(&pb.RedeemResponse{Invitation: inv, User: user})
		},
	})
	if err != nil {
		return nil, s.explain(ctx, token, err)
	}
	resp := &pb.RedeemResponse{}
	if err := proto.Unmarshal(res.Answer, resp); err != nil {
		return nil, fmt.Errorf("read the answer of a redemption: %w", err)
	}
	return resp, nil
}

// verify reads a token.
func (s *redemptionService) verify(ctx context.Context, text string) (invitation.Token, error) {
	token, err := s.Linker.Verify(text)
	if err != nil {
		return token, s.throttle.refuse(access.Caller(ctx), err)
	}
	return token, nil
}

// explain tells what ended the generation of a token whose channel moved on.
func (s *redemptionService) explain(ctx context.Context, token invitation.Token, err error) error {
	if errors.Is(err, invitation.ErrInvitationNotFound) {
		return s.throttle.refuse(access.Caller(ctx), err)
	}
	if !errors.Is(err, invitation.ErrOldGeneration) {
		return err
	}
	end, err := s.Store.EndOf(ctx, token)
	if err != nil {
		return err
	}
	return end.Err()
}

// ConfirmEmail implements pb.RedemptionServiceServer.
func (s *redemptionService) ConfirmEmail(ctx context.Context, req *pb.ConfirmEmailRequest) (*pb.ConfirmEmailResponse, error) {
	email, err := address("email", req.GetEmail())
	if err != nil {
		return nil, err
	}
	user, err := s.change(ctx, "RedemptionService/ConfirmEmail", req, invitation.Change{
		Key:   invitation.Key{OrganizationID: req.GetOrganizationId(), UserID: req.GetUserId()},
		Claim: email, Yield: true,
		Rule: func(u *invitation.User, now time.Time) error { return u.ConfirmEmail(email, now) },
	})
	return &pb.ConfirmEmailResponse{User: user}, err
}
