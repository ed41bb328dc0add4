package server

import (
	"context"
	"strings"

	"github.com/google/uuid"

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
	// Deliveries lists mails, newest first, and says where to go on: uuid.Nil at the
	// end, and there may be more behind a short page.
	Deliveries(ctx context.Context, f invitation.DeliveryFilter) (page []invitation.ListedDelivery, next uuid.UUID, err error)
}

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
}
