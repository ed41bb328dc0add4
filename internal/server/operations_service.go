package server

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

var _ pb.OperationsServiceServer = (*operationsService)(nil)

// Operations is what people in operations see beyond invitation.Store, over all
// organizations.
type Operations interface {
	// Schema tells the version of the schema that this release needs, and the one
	// that there is.
	Schema(ctx context.Context) (needs, has int64, err error)
	// MailQueue tells how many mails wait, and MailRest why all of them do; nil if
	// they don't.
	MailQueue(ctx context.Context) (invitation.MailQueue, error)
	MailRest(ctx context.Context) (*invitation.MailRest, error)
	// MailPauses tells whose mails operations has wait, and WakeMails has those go
	// out that were put aside.
	MailPauses(ctx context.Context, limit int) ([]invitation.MailPause, error)
	WakeMails(ctx context.Context) error
	// Servers are those that are connected to the database.
	Servers(ctx context.Context, limit int) ([]invitation.Server, error)
	// ExportUser returns all that is stored about a person, as JSON.
	ExportUser(ctx context.Context, id string) ([]byte, error)
	// CountWaiting counts an organization's invitations that nobody redeemed and
	// nobody revoked, up to a limit.
	CountWaiting(ctx context.Context, organizationID string, limit int) (int, error)
	// Deliveries lists mails, newest first.
	Deliveries(ctx context.Context, f invitation.DeliveryFilter) (invitation.DeliveryPage, error)
}

// mostPauses is how many paused organizations are told, mostServers how many servers.
const (
	mostPauses  = 100
	mostServers = 100
)

type operationsService struct {
	pb.UnsafeOperationsServiceServer
	api
}

// GetStatus implements pb.OperationsServiceServer.
func (s *operationsService) GetStatus(ctx context.Context, _ *pb.GetStatusRequest) (*pb.GetStatusResponse, error) {
	status := &pb.GetStatusResponse{Version: s.Version, Commit: s.Commit}
	var err error
	for _, k := range s.Linker.Keys() {
		status.Keys = append(status.Keys, &pb.LinkKey{Id: k.ID, Use: keyUses.of(strings.ToUpper(string(k.Use)), &err), Fingerprint: k.Fingerprint})
	}
	if err != nil {
		return nil, err
	}
	if problem := s.Ping(ctx); problem != nil {
		status.DatabaseProblem = problem.Error()
	}
	s.tellOfDatabase(ctx, status)
	return status, nil
}

// tellOfDatabase leaves out what can't be read: why is told already.
func (s *operationsService) tellOfDatabase(ctx context.Context, status *pb.GetStatusResponse) {
	var err error
	if status.NeedsSchema, status.HasSchema, err = s.Operations.Schema(ctx); err != nil {
		return
	}
	if queue, err := s.Operations.MailQueue(ctx); err == nil {
		status.MailQueue = &pb.MailQueue{Due: queue.Due, OldestDueAt: toTime(queue.OldestDueAt), Running: queue.Running, PutAside: queue.PutAside}
	}
	if rest, err := s.Operations.MailRest(ctx); err == nil && rest != nil {
		status.MailRest = &pb.MailRest{Since: toTime(rest.Since), Until: toTime(rest.Until), Probes: int32(rest.Probes), Reason: rest.Reason}
	}
	if servers, err := s.Operations.Servers(ctx, mostServers); err == nil {
		for _, is := range servers {
			status.Servers = append(status.Servers, &pb.Server{Name: is.Name, Role: is.Role, Version: is.Version, Connections: int32(is.Connections)})
		}
	}
	if pauses, err := s.Operations.MailPauses(ctx, mostPauses); err == nil {
		for _, p := range pauses {
			status.MailPauses = append(status.MailPauses, toPause(p))
		}
	}
}

func toPause(p invitation.MailPause) *pb.MailPause {
	pause := &pb.MailPause{OrganizationId: p.OrganizationID, Since: toTime(p.Since), Actor: p.Actor, Caller: p.Caller}
	if p.OrganizationID == invitation.AllOrganizations {
		pause.OrganizationId = ""
	}
	return pause
}

// PauseDelivery implements pb.OperationsServiceServer.
func (s *operationsService) PauseDelivery(ctx context.Context, req *pb.PauseDeliveryRequest) (*pb.PauseDeliveryResponse, error) {
	o, err := s.steer(ctx, "OperationsService/PauseDelivery", req, (*invitation.Organization).PauseDelivery)
	return &pb.PauseDeliveryResponse{PausedAt: toTime(o.DeliveryPausedAt)}, err
}

// ResumeDelivery implements pb.OperationsServiceServer. Mails that don't wake come
// up later by themselves.
func (s *operationsService) ResumeDelivery(ctx context.Context, req *pb.ResumeDeliveryRequest) (*pb.ResumeDeliveryResponse, error) {
	o, err := s.steer(ctx, "OperationsService/ResumeDelivery", req, (*invitation.Organization).ResumeDelivery)
	if err != nil {
		return nil, err
	}
	return &pb.ResumeDeliveryResponse{PausedAt: toTime(o.DeliveryPausedAt)}, s.Operations.WakeMails(ctx)
}

// steer carries out what is asked for one organization, or for all.
func (s *operationsService) steer(ctx context.Context, cause string, req interface {
	mutating
	GetOrganizationId() string
}, rule func(o *invitation.Organization, now time.Time),
) (invitation.Organization, error) {
	from, err := origin(ctx, cause, req)
	if err != nil {
		return invitation.Organization{}, err
	}
	return s.Store.UpdateOrganization(ctx, invitation.OrganizationChange{
		ID: cmp.Or(req.GetOrganizationId(), invitation.AllOrganizations), Request: from,
		Rule: func(o *invitation.Organization, now time.Time) error {
			rule(o, now)
			return nil
		},
	})
}
