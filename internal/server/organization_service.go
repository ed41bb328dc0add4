package server

import (
	"context"
	"fmt"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

var _ pb.OrganizationServiceServer = (*organizationService)(nil)

type organizationService struct {
	pb.UnsafeOrganizationServiceServer
	api
}

// GetOrganization implements pb.OrganizationServiceServer.
func (s *organizationService) GetOrganization(ctx context.Context, req *pb.GetOrganizationRequest) (*pb.GetOrganizationResponse, error) {
	o, err := s.Store.Organization(ctx, req.GetOrganizationId())
	return &pb.GetOrganizationResponse{Organization: toOrganization(o)}, err
}

// UpdateOrganization implements pb.OrganizationServiceServer.
func (s *organizationService) UpdateOrganization(ctx context.Context, req *pb.UpdateOrganizationRequest) (*pb.UpdateOrganizationResponse, error) {
	details, err := readDetails(req)
	if err != nil {
		return nil, err
	}
	from, err := origin(ctx, "OrganizationService/UpdateOrganization", req)
	if err != nil {
		return nil, err
	}
	o, err := s.Store.UpdateOrganization(ctx, invitation.OrganizationChange{
		ID: req.GetOrganizationId(), Request: from,
		Rule: func(o *invitation.Organization, now time.Time) error {
			o.Update(details, now)
			return nil
		},
	})
	return &pb.UpdateOrganizationResponse{Organization: toOrganization(o)}, err
}

func readDetails(req *pb.UpdateOrganizationRequest) (d invitation.OrganizationDetails, err error) {
	mask := req.GetUpdateMask()
	if err := checkMask(mask, "name", "reply_to", "contact", "imprint", "default_locale"); err != nil {
		return d, err
	}
	if d.Name, err = named(mask, "name", req.GetName(), optionalName); err != nil {
		return d, err
	}
	if d.ReplyTo, err = named(mask, "reply_to", req.GetReplyTo(), optionalAddress); err != nil {
		return d, err
	}
	if d.Contact, err = named(mask, "contact", req.GetContact(), optionalName); err != nil {
		return d, err
	}
	if d.Imprint, err = named(mask, "imprint", req.GetImprint(), lines); err != nil {
		return d, err
	}
	d.DefaultLocale, err = named(mask, "default_locale", req.GetDefaultLocale(), locale)
	return d, err
}

func lines(field string, texts []string) (checked []string, err error) {
	for i, text := range texts {
		line, err := name(fmt.Sprintf("%s[%d]", field, i), text)
		if err != nil {
			return nil, err
		}
		checked = append(checked, line)
	}
	return checked, nil
}
