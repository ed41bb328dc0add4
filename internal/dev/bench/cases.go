package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"

	"github.com/google/uuid"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// batchSize is how many invitations a BatchSend asks for.
const batchSize = 500

// sheetsSize is how many pages a GenerateInfoSheets asks for.
const sheetsSize = 50

// benchCase is something that callers do over and over.
type benchCase struct {
	name, title string
	// callers are the only numbers that make sense; nil for those asked for.
	callers []int
	// fresh says that a user serves for one call; else any is taken from those
	// who are there from the start and are invited.
	fresh bool
	// every is as in stock: which fresh users are invited. Those of a case that
	// makes them itself are only numbers (-1).
	every int64
	// units is how many users one call takes, who are of one organization.
	units int
	// events is how many the audit trail grows by per user: it tells whether a
	// run did what it says.
	events int64
	call   func(ctx context.Context, c client, s *site, users []item) error
	// script is pgbench's; empty if it does nothing like it.
	script string
}

var cases = []benchCase{
	{name: "send", title: "Send", fresh: true, units: 1, events: 1, call: send, script: script(sendSQL)},
	{name: "redeem", title: "Redeem", fresh: true, every: 1, units: 1, events: 2, call: redeem, script: script(redeemSQL)},
	{name: "create", title: "CreateUser", fresh: true, every: -1, units: 1, events: 1, call: create, script: script(createSQL)},
	{name: "preview", title: "Preview", units: 1, call: preview, script: randomScript(previewSQL)},
	{name: "qr-png", title: "GenerateQR, PNG", callers: []int{1, 64}, units: 1, events: 1, call: draw(pb.ImageFormat_IMAGE_FORMAT_PNG)},
	{name: "qr-svg", title: "GenerateQR, SVG", callers: []int{1, 64}, units: 1, events: 1, call: draw(pb.ImageFormat_IMAGE_FORMAT_SVG)},
	{name: "sheets", title: "GenerateInfoSheets of 50, in pages", callers: []int{1, 4}, fresh: true, every: 1, units: sheetsSize, events: 1, call: sheets},
	{name: "batch", title: "BatchSend of 500", callers: []int{1, 4, 16}, fresh: true, units: batchSize, events: 1, call: batch},
}

// deliveryCase is measured in its own way.
const deliveryCase = "delivery"

func caseNames() []string {
	var names []string
	for _, c := range cases {
		names = append(names, c.name)
	}
	return append(names, deliveryCase)
}

func caseNamed(name string) (benchCase, bool) {
	for _, c := range cases {
		if c.name == name {
			return c, true
		}
	}
	return benchCase{}, false
}

func send(ctx context.Context, c client, _ *site, users []item) error {
	_, err := c.Send(ctx, &pb.SendRequest{
		OrganizationId: users[0].organization, UserId: users[0].user, Target: pb.Target_TARGET_APP, RequestId: uuid.NewString(),
	})
	return err
}

func redeem(ctx context.Context, c client, _ *site, users []item) error {
	_, err := c.Redeem(ctx, &pb.RedeemRequest{Token: users[0].token, RequestId: uuid.NewString()})
	return err
}

func preview(ctx context.Context, c client, _ *site, users []item) error {
	_, err := c.Preview(ctx, &pb.PreviewRequest{Token: users[0].token})
	return err
}

func draw(format pb.ImageFormat) func(context.Context, client, *site, []item) error {
	return func(ctx context.Context, c client, _ *site, users []item) error {
		_, err := c.GenerateQR(ctx, &pb.GenerateQRRequest{
			OrganizationId: users[0].organization, UserId: users[0].user, Target: pb.Target_TARGET_APP,
			RequestId: uuid.NewString(), Format: format,
		})
		return err
	}
}

func create(ctx context.Context, c client, s *site, users []item) error {
	sum := md5.Sum([]byte(strconv.FormatInt(users[0].number, 10))) // as fill does
	id := hex.EncodeToString(sum[:])
	_, err := c.CreateUser(ctx, &pb.CreateUserRequest{
		OrganizationId: "org-" + strconv.FormatInt(users[0].number%s.organizations, 10), UserId: "u" + id,
		Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Anna Schmidt", Email: id[:16] + "@mieter.example.com",
		Invite: pb.Invite_INVITE_LATER, RequestId: uuid.NewString(),
	})
	return err
}

func batch(ctx context.Context, c client, _ *site, users []item) error {
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.user
	}
	resp, err := c.BatchSend(ctx, &pb.BatchSendRequest{
		OrganizationId: users[0].organization, UserIds: ids, Target: pb.Target_TARGET_APP,
		Action: pb.Action_ACTION_SEND, RequestId: uuid.NewString(),
	})
	if err != nil {
		return err
	}
	for _, result := range resp.GetResults() {
		if result.GetInvitation() == nil {
			return fmt.Errorf("a user of a batch was refused: %v", result.GetReason())
		}
	}
	return nil
}

// sheets reads a document to its end.
func sheets(ctx context.Context, c client, _ *site, users []item) error {
	req := &pb.GenerateInfoSheetsRequest{OrganizationId: users[0].organization, Target: pb.Target_TARGET_APP, RequestId: uuid.NewString()}
	for _, u := range users {
		req.Sheets = append(req.Sheets, &pb.InfoSheet{UserId: u.user, AddressLines: []string{"Anna Schmidt", "Ahornallee 1", "10115 Berlin"}})
	}
	stream, err := c.GenerateInfoSheets(ctx, req)
	if err != nil {
		return err
	}
	for pages := 0; ; {
		next, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && pages == len(users):
			return nil
		case err != nil:
			return fmt.Errorf("after %d of %d pages: %w", pages, len(users), err)
		case next.GetPage() > 0:
			pages++
		}
	}
}

// sampleSize is how many invited users are taken out of those who are there from
// the start, for calls that use up nobody.
const sampleSize = 100_000

// supply makes or picks users for so many calls.
func (s *site) supply(ctx context.Context, c benchCase, calls int) (users []item, base int64, err error) {
	if !c.fresh {
		numbers := make([]int64, min(calls, sampleSize))
		for i := range numbers {
			numbers[i] = 2 * (1 + rand.Int64N(s.population/2))
		}
		users, err = s.items(ctx, numbers)
		return users, 0, err
	}
	k := stock{organization: s.spread(), every: c.every, state: "DELIVERED"}
	if units := int64(c.units); units > 1 {
		s.next += units - s.next%units
		k.organization = fmt.Sprintf("'batch-' || {n} / %d", units)
	}
	k.from, k.to = s.next, s.next+int64(calls*c.units)
	s.next = k.to
	numbers := make([]int64, 0, k.to-k.from)
	for n := k.from; n < k.to; n++ {
		numbers = append(numbers, n)
		users = append(users, item{number: n})
	}
	if c.every < 0 {
		return users, k.from, nil
	}
	if err := s.make(ctx, k); err != nil {
		return nil, 0, err
	}
	users, err = s.items(ctx, numbers)
	return users, k.from, err
}
