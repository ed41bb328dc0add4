package server

import (
	"context"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

var _ pb.UserServiceServer = (*userService)(nil)

type userService struct {
	pb.UnsafeUserServiceServer
	api
}

// CreateUser implements pb.UserServiceServer.
func (s *userService) CreateUser(ctx context.Context, req *pb.CreateUserRequest) (*pb.CreateUserResponse, error) {
	change, err := s.creation(req)
	if err != nil {
		return nil, err
	}
	user, err := s.change(ctx, "UserService/CreateUser", req, change)
	return &pb.CreateUserResponse{User: user}, err
}

// creation checks what a request says about a new user, and returns the change
// that creates them.
func (s *userService) creation(req *pb.CreateUserRequest) (c invitation.Change, err error) {
	invite := req.GetInvite() == pb.Invite_INVITE_NOW
	if invite {
		if err := badTarget(req.GetTarget()); err != nil {
			return c, err
		}
	}
	displayName, err := name("display_name", req.GetDisplayName())
	if err != nil {
		return c, err
	}
	lang, err := locale("locale", req.GetLocale())
	if err != nil {
		return c, err
	}
	email, err := optionalAddress("email", req.GetEmail())
	if err != nil {
		return c, err
	}
	kind := invitation.UserType(userTypes.word(req.GetType()))
	return invitation.Change{
		Key: inOrganization(req), Create: true, Mails: invite, Claim: email,
		Rule: func(u *invitation.User, now time.Time) error {
			u.Create(kind, displayName, lang, email, now)
			if !invite {
				return nil
			}
			return u.Send(fromTarget(req.GetTarget()), false, now, s.Validity)
		},
	}, nil
}

// GetUser implements pb.UserServiceServer.
func (s *userService) GetUser(ctx context.Context, req *pb.GetUserRequest) (*pb.GetUserResponse, error) {
	res, err := s.Store.Read(ctx, inOrganization(req))
	if err != nil {
		return nil, err
	}
	user, err := s.toUser(res.User, res.Now)
	return &pb.GetUserResponse{User: user}, err
}

// UpdateUser implements pb.UserServiceServer.
func (s *userService) UpdateUser(ctx context.Context, req *pb.UpdateUserRequest) (*pb.UpdateUserResponse, error) {
	correction, err := readCorrection(req)
	if err != nil {
		return nil, err
	}
	user, err := s.change(ctx, "UserService/UpdateUser", req, invitation.Change{
		Key:  inOrganization(req),
		Rule: func(u *invitation.User, now time.Time) error { return u.Update(correction, now) },
	})
	return &pb.UpdateUserResponse{User: user}, err
}

func readCorrection(req *pb.UpdateUserRequest) (c invitation.UserChange, err error) {
	mask := req.GetUpdateMask()
	if err := checkMask(mask, "display_name", "locale", "type"); err != nil {
		return c, err
	}
	if c.DisplayName, err = named(mask, "display_name", req.GetDisplayName(), name); err != nil {
		return c, err
	}
	if c.Locale, err = named(mask, "locale", req.GetLocale(), locale); err != nil {
		return c, err
	}
	c.Type, err = named(mask, "type", req.GetType(), userType)
	return c, err
}

func userType(field string, t pb.UserType) (invitation.UserType, error) {
	if t == pb.UserType_USER_TYPE_UNSPECIFIED {
		return "", badField(field, "is required")
	}
	return invitation.UserType(userTypes.word(t)), nil
}

// DeactivateUser implements pb.UserServiceServer.
func (s *userService) DeactivateUser(ctx context.Context, req *pb.DeactivateUserRequest) (*pb.DeactivateUserResponse, error) {
	user, err := s.change(ctx, "UserService/DeactivateUser", req, invitation.Change{
		Key: inOrganization(req),
		Rule: func(u *invitation.User, now time.Time) error {
			u.Deactivate(now)
			return nil
		},
	})
	return &pb.DeactivateUserResponse{User: user}, err
}

// ReactivateUser implements pb.UserServiceServer.
func (s *userService) ReactivateUser(ctx context.Context, req *pb.ReactivateUserRequest) (*pb.ReactivateUserResponse, error) {
	user, err := s.change(ctx, "UserService/ReactivateUser", req, invitation.Change{
		Key: inOrganization(req), Reclaim: !req.GetWithoutEmail(),
		Rule: func(u *invitation.User, now time.Time) error { return u.Reactivate(req.GetWithoutEmail(), now) },
	})
	return &pb.ReactivateUserResponse{User: user}, err
}

// EraseUser implements pb.UserServiceServer.
func (s *userService) EraseUser(ctx context.Context, req *pb.EraseUserRequest) (*pb.EraseUserResponse, error) {
	_, err := s.change(ctx, "UserService/EraseUser", req, invitation.Change{
		Key: inOrganization(req),
		Rule: func(u *invitation.User, now time.Time) error {
			u.Erase(now)
			return nil
		},
	})
	return &pb.EraseUserResponse{}, err
}
