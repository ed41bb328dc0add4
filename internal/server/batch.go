package server

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// batchParallel is how many of a batch's users wait in the store at once: enough
// for full groups, and too few to crowd others out.
const batchParallel = 128

// begin says who asks for a batch, and takes its id in the whole service before
// anything of it is done.
func (a *api) begin(ctx context.Context, cause string, req mutating) (invitation.Request, error) {
	from, err := origin(ctx, cause, req)
	if err != nil || from.ID == uuid.Nil {
		return from, err
	}
	_, err = a.Store.Update(ctx, invitation.Change{Request: from})
	return from, err
}

// inParallel runs the parts of a batch, which go to the store as calls of their own
// and meet there in few large groups. It stops at the first that fails.
func inParallel(ctx context.Context, parts []int, run func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(batchParallel)
	for _, i := range parts {
		group.Go(func() error { return run(ctx, i) })
	}
	return group.Wait()
}

// part is the request of one user of a batch. It is safe to repeat by itself, so
// that a batch that was cut off goes on where it was.
func part(from invitation.Request, name string) invitation.Request {
	from.Part = name
	return from
}

// refusal is why one user of a batch was refused, and how long to wait before
// trying again, if that helps. It is an error where the whole batch has to be
// repeated: the service could not answer, or the batch's id is another request's.
func refusal(err error) (pb.ErrorReason, *durationpb.Duration, error) {
	v, found := judge(err)
	switch {
	case !found, v.reason == pb.ErrorReason_SERVICE_UNAVAILABLE, v.reason == pb.ErrorReason_CALL_ABANDONED,
		v.reason == pb.ErrorReason_REQUEST_ID_REUSED:
		return 0, nil, err
	}
	var retry *invitation.RetryError
	if errors.As(err, &retry) {
		return v.reason, durationpb.New(retry.After), nil
	}
	return v.reason, nil, nil
}

// BatchSend implements pb.InvitationServiceServer.
func (s *invitationService) BatchSend(ctx context.Context, req *pb.BatchSendRequest) (*pb.BatchSendResponse, error) {
	from, err := s.begin(ctx, "InvitationService/BatchSend", req)
	if err != nil {
		return nil, err
	}
	results := make([]*pb.BatchSendResult, len(req.GetUserIds()))
	all := make([]int, len(results))
	for i := range all {
		all[i] = i
	}
	err = inParallel(ctx, all, func(ctx context.Context, i int) (err error) {
		results[i], err = s.sendOne(ctx, from, req, req.GetUserIds()[i])
		return err
	})
	return &pb.BatchSendResponse{Results: results}, err
}

// sendOne sends or renews one user's invitation.
func (s *invitationService) sendOne(ctx context.Context, from invitation.Request, req *pb.BatchSendRequest, userID string) (*pb.BatchSendResult, error) {
	target, do := fromTarget(req.GetTarget()), s.send(false)
	if req.GetAction() == pb.Action_ACTION_RENEW {
		do = s.renew(false)
	}
	result := &pb.BatchSendResult{UserId: userID}
	res, err := s.Store.Update(ctx, invitation.Change{
		Key:     invitation.Key{OrganizationID: req.GetOrganizationId(), UserID: userID},
		Request: part(from, userID),
		Mails:   true,
		Rule:    func(u *invitation.User, now time.Time) error { return do(u, target, now) },
	})
	if err != nil {
		result.Reason, result.RetryDelay, err = refusal(err)
		return result, err
	}
	result.Invitation, err = s.toInvitation(res.User, res.User.Invitations[target], res.Now)
	return result, err
}
