package server

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
	"github.com/kiwi-ki/invitations/internal/sheet"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// GenerateInfoSheets implements pb.InvitationServiceServer. A link is issued, drawn
// and sent before the next one's turn comes, and sending waits for a caller who reads
// slowly: so nobody's link is issued whose page nobody would have seen.
func (s *invitationService) GenerateInfoSheets(req *pb.GenerateInfoSheetsRequest, stream pb.InvitationService_GenerateInfoSheetsServer) error {
	if err := checkAddresses(req); err != nil {
		return err
	}
	if !s.printing.take(req.GetOrganizationId()) {
		return &invitation.RetryError{Err: invitation.ErrUnavailable, After: retryAfter}
	}
	defer s.printing.giveBack(req.GetOrganizationId())
	ctx := stream.Context()
	p := &printer{invitationService: s, req: req}
	if err := p.begin(ctx); err != nil {
		return err
	}
	for _, one := range req.GetSheets() {
		resp, err := p.print(ctx, one)
		if err != nil {
			return err
		}
		if err := stream.Send(resp); err != nil {
			return err
		}
	}
	if p.document.Pages() == 0 {
		return nil
	}
	if err := p.document.Close(); err != nil {
		return err
	}
	return stream.Send(&pb.GenerateInfoSheetsResponse{Pdf: p.take()})
}

// printsPerOrganization is how many documents may be written at once for one: half of
// what there is room for.
const printsPerOrganization = batchesAtOnce / 2

// checkAddresses refuses what can't be printed before anything is issued.
func checkAddresses(req *pb.GenerateInfoSheetsRequest) error {
	for i, one := range req.GetSheets() {
		for j, line := range one.GetAddressLines() {
			field := fmt.Sprintf("sheets[%d].address_lines[%d]", i, j)
			if _, err := name(field, line); err != nil {
				return err
			}
			if !sheet.CanPrint(line) {
				return badField(field, "must have Latin, Greek, Cyrillic or Arabic letters only")
			}
		}
	}
	return nil
}

// printer prints one call's sheets.
type printer struct {
	*invitationService
	req      *pb.GenerateInfoSheetsRequest
	from     invitation.Request
	document *sheet.Document
	// written is what of the document has not been sent.
	written bytes.Buffer
}

func (p *printer) begin(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	if p.from, err = p.invitationService.begin(ctx, "InvitationService/GenerateInfoSheets", p.req); err != nil {
		return err
	}
	organization, err := p.Store.Organization(ctx, p.req.GetOrganizationId())
	if err != nil {
		return err
	}
	p.document = sheet.New(&p.written, fromTarget(p.req.GetTarget()), organization.DefaultLocale)
	return nil
}

// pageTime is how long a page may take that nobody keeps waiting but the database.
const pageTime = defaultDeadline

// print issues one user's link and draws it. It fails only where the whole call has
// to be repeated.
func (p *printer) print(ctx context.Context, one *pb.InfoSheet) (*pb.GenerateInfoSheetsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	resp := &pb.GenerateInfoSheetsResponse{UserId: one.GetUserId()}
	target := fromTarget(p.req.GetTarget())
	res, err := p.Store.Update(ctx, invitation.Change{
		Key:     invitation.Key{OrganizationID: p.req.GetOrganizationId(), UserID: one.GetUserId()},
		Request: part(p.from, one.GetUserId()),
		Rule:    func(u *invitation.User, now time.Time) error { return u.GenerateQR(target, now, p.Validity) },
		Answer:  shownGeneration(target),
	})
	if err != nil {
		resp.Reason, resp.RetryDelay, err = refusal(err)
		return resp, err
	}
	if resp.Invitation, err = p.toInvitation(res.User, res.User.Invitations[target], res.Now); err != nil {
		return nil, err
	}
	link, works := p.shownLink(res, target)
	if !works {
		return resp, nil
	}
	err = p.inTurn(ctx, func() error {
		return p.document.Add(sheet.Sheet{
			Target: target, Language: res.User.Language(), DisplayName: res.User.DisplayName, Organization: res.User.Organization,
			Link: link, ExpiresAt: res.User.Invitations[target].ExpiresAt, Address: one.GetAddressLines(),
		})
	})
	resp.Page, resp.Pdf = int32(p.document.Pages()), p.take()
	return resp, err
}

// take returns what has been written since it was called last.
func (p *printer) take() []byte {
	taken := bytes.Clone(p.written.Bytes())
	p.written.Reset()
	return taken
}
