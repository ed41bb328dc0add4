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

// person is what a CreateUserRequest says about a user, checked.
type person struct {
	kind         invitation.UserType
	name         string
	locale       invitation.Locale
	email        invitation.Email
	organization string
}

// CreateUser implements pb.UserServiceServer.
func (s *userService) CreateUser(ctx context.Context, req *pb.CreateUserRequest) (*pb.CreateUserResponse, error) {
	now := req.GetInvite() == pb.Invite_INVITE_NOW
	if now && req.GetTarget() == pb.Target_TARGET_UNSPECIFIED {
		return nil, badField("target", "is needed to invite now")
	}
	p, err := readPerson(req)
	if err != nil {
		return nil, err
	}
	user, err := s.change(ctx, "UserService/CreateUser", req, invitation.Change{
		Key: inOrganization(req), Create: true, Mails: now, MailTo: p.email,
		Rule: func(u *invitation.User, at time.Time) error {
			u.Create(p.kind, p.name, p.locale, p.email, at)
			u.OrganizationName = p.organization
			if !now {
				return nil
			}
			return s.send(u, fromTarget(req.GetTarget()), at)
		},
	})
	return &pb.CreateUserResponse{User: user}, err
}

func readPerson(req *pb.CreateUserRequest) (p person, err error) {
	p = person{kind: invitation.UserType(userTypes.word(req.GetType())), locale: invitation.German}
	if req.GetLocale() != "" {
		p.locale = invitation.Locale(req.GetLocale())
	}
	if p.name, err = name("display_name", req.GetDisplayName()); err != nil {
		return p, err
	}
	if req.GetOrganizationName() != "" {
		if p.organization, err = name("organization_name", req.GetOrganizationName()); err != nil {
			return p, err
		}
	}
	if req.GetEmail() != "" {
		p.email, err = address("email", req.GetEmail())
	}
	return p, err
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
