package server

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/kiwi-ki/invitations/internal/invitation"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// BatchCreateUsers implements pb.UserServiceServer. Users whose id or address
// another one before them has too wait for all others, and then come one by one:
// so the first wins, and a second has its chance if the first was refused.
func (s *userService) BatchCreateUsers(ctx context.Context, req *pb.BatchCreateUsersRequest) (*pb.BatchCreateUsersResponse, error) {
	from, err := s.begin(ctx, "UserService/BatchCreateUsers", req)
	if err != nil {
		return nil, err
	}
	b := &newUsers{userService: s, from: from, organization: req.GetOrganizationId(), users: req.GetUsers()}
	b.results = make([]*pb.BatchCreateUsersResult, len(b.users))
	b.sortOut()
	if err := inParallel(ctx, b.first, b.create); err != nil {
		return nil, err
	}
	for _, i := range b.later {
		if err := b.create(ctx, i); err != nil {
			return nil, err
		}
	}
	return &pb.BatchCreateUsersResponse{Results: b.results}, nil
}

// newUsers is a batch of users to create.
type newUsers struct {
	*userService
	from         invitation.Request
	organization string
	users        []*pb.CreateUserRequest
	results      []*pb.BatchCreateUsersResult
	// parts name the users' parts of the request; first and later are the places
	// of users who may be created at once, and of those who have to wait.
	parts        []string
	first, later []int
}

// sortOut finds the users whose id or address one before them has. The name of a
// part counts the users of its id.
func (b *newUsers) sortOut() {
	ids, addresses := map[string]int{}, map[string]bool{}
	for i, u := range b.users {
		ids[u.GetUserId()]++
		address := oneSpelling(u.GetEmail())
		if email, err := optionalAddress("email", u.GetEmail()); err == nil {
			address = email.Key()
		}
		b.parts = append(b.parts, fmt.Sprintf("%s #%d", u.GetUserId(), ids[u.GetUserId()]))
		if ids[u.GetUserId()] > 1 || addresses[address] {
			b.later = append(b.later, i)
		} else {
			b.first = append(b.first, i)
		}
		addresses[address] = address != ""
	}
}

// create creates one user. It fails only where the whole batch has to be repeated.
func (b *newUsers) create(ctx context.Context, i int) error {
	b.results[i] = &pb.BatchCreateUsersResult{UserId: b.users[i].GetUserId()}
	user, err := b.user(ctx, i)
	var fields fieldErrors
	switch {
	case err == nil:
		b.results[i].User = user
		return nil
	case errors.As(err, &fields):
		b.results[i].Reason, b.results[i].FieldViolations = fields.told()
		return nil
	}
	b.results[i].Reason, b.results[i].RetryDelay, err = refusal(err)
	return err
}

func (b *newUsers) user(ctx context.Context, i int) (*pb.User, error) {
	req := proto.CloneOf(b.users[i])
	switch {
	case req.GetRequestId() != "":
		return nil, badField("request_id", "must be left out in a batch")
	case req.GetActor() != "":
		return nil, badField("actor", "must be left out in a batch")
	case req.GetOrganizationId() == "":
		req.OrganizationId = b.organization
	case req.GetOrganizationId() != b.organization:
		return nil, badField("organization_id", "must be left out, or be the batch's")
	}
	if err := validate(b.validator, req); err != nil {
		return nil, err
	}
	change, err := b.creation(req)
	if err != nil {
		return nil, err
	}
	change.Request = part(b.from, b.parts[i])
	res, err := b.Store.Update(ctx, change)
	if err != nil {
		return nil, err
	}
	return b.toUser(res.User, res.Now)
}
