package server

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// BatchSend implements pb.InvitationServiceServer. Its users go to the store as
// calls of their own, which meet there in few large groups.
func (s *invitationService) BatchSend(ctx context.Context, req *pb.BatchSendRequest) (*pb.BatchSendResponse, error) {
	from, err := origin(ctx, "InvitationService/BatchSend", req)
	if err != nil {
		return nil, err
	}
	b := &batch{api: &s.api, req: req, from: from, results: make([]*pb.BatchSendResult, len(req.GetUserIds()))}
	// The first user tells whether the request id is another request's.
	if err := b.run(ctx, 0); err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(batchParallel)
	for i := range b.results[1:] {
		group.Go(func() error { return b.run(ctx, i+1) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return &pb.BatchSendResponse{Results: b.results}, nil
}

// batchParallel is how many of a batch's users wait in the store at once: enough
// for full groups, and too few to crowd others out.
const batchParallel = 128

type batch struct {
	*api
	req     *pb.BatchSendRequest
	from    invitation.Request
	results []*pb.BatchSendResult
}

// run sends or renews one user's invitation. It fails only where the whole call
// has to be repeated.
func (b *batch) run(ctx context.Context, i int) error {
	target := fromTarget(b.req.GetTarget())
	do := b.send
	if b.req.GetAction() == pb.Action_ACTION_RENEW {
		do = b.renew
	}
	userID := b.req.GetUserIds()[i]
	res, err := b.Store.Update(ctx, invitation.Change{
		Key:     invitation.Key{OrganizationID: b.req.GetOrganizationId(), UserID: userID},
		Request: b.part(i),
		Mails:   true,
		Rule:    func(u *invitation.User, now time.Time) error { return do(u, target, now) },
		// A refusal is a result too, and a repeated call gets the same one.
		Refused: func(err error) []byte {
			v, found := judge(err)
			if !found {
				return nil
			}
			return binary.BigEndian.AppendUint32(nil, uint32(v.reason))
		},
	})
	if err != nil {
		return err
	}
	b.results[i] = &pb.BatchSendResult{UserId: userID}
	if len(res.Answer) > 0 {
		b.results[i].Reason = pb.ErrorReason(binary.BigEndian.Uint32(res.Answer))
		return nil
	}
	b.results[i].Invitation, err = b.toInvitation(res.User, res.User.Invitations[target], res.Now)
	return err
}

// part is the request of one user of the batch: an id of its own, made from the
// batch's and its place, and the fingerprint of the whole batch.
func (b *batch) part(i int) invitation.Request {
	r := b.from
	if r.ID != uuid.Nil {
		r.ID = uuid.NewSHA1(b.from.ID, binary.BigEndian.AppendUint32(nil, uint32(i)))
	}
	return r
}
