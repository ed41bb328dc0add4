package server_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc/codes"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// sheets reads a call to its end, and returns the results without the document, and
// the document.
func (s *stack) sheets(req *pb.GenerateInfoSheetsRequest) (results []*pb.GenerateInfoSheetsResponse, document []byte, err error) {
	s.t.Helper()
	stream, err := s.GenerateInfoSheets(s.t.Context(), req)
	must(s.t, err)
	for {
		resp, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return results, document, nil
		}
		if err != nil {
			return results, document, err
		}
		document = append(document, resp.GetPdf()...)
		if resp.Pdf = nil; resp.GetUserId() != "" {
			results = append(results, resp)
		}
	}
}

// sheetsFor asks for the sheets of users.
func sheetsFor(ids ...string) *pb.GenerateInfoSheetsRequest {
	req := &pb.GenerateInfoSheetsRequest{OrganizationId: org, Target: app}
	for _, id := range ids {
		req.Sheets = append(req.Sheets, &pb.InfoSheet{UserId: id})
	}
	return req
}

// TestInfoSheets: one result per user in the order of the request, and one document
// with a page for each who was not refused.
func TestInfoSheets(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.people(5)
	_, err := s.Redeem(t.Context(), &pb.RedeemRequest{Token: s.shared("u2", app)})
	must(t, err)
	_, err = s.DeactivateUser(t.Context(), &pb.DeactivateUserRequest{OrganizationId: org, UserId: "u4"})
	must(t, err)
	results, document, err := s.sheets(sheetsFor("u5", "u2", "nobody", "u4", "u1"))
	must(t, err)
	for i, want := range []struct {
		user   string
		page   int32
		reason pb.ErrorReason
	}{
		{"u5", 1, 0}, {"u2", 0, pb.ErrorReason_ALREADY_ACTIVATED}, {"nobody", 0, pb.ErrorReason_USER_NOT_FOUND},
		{"u4", 0, pb.ErrorReason_USER_DEACTIVATED}, {"u1", 2, 0},
	} {
		r := results[i]
		pending := r.GetInvitation().GetState() == pb.InvitationState_INVITATION_STATE_PENDING
		if r.GetUserId() != want.user || r.GetPage() != want.page || r.GetReason() != want.reason || pending != (want.reason == 0) {
			t.Errorf("result %d is %v, want %v", i, r, want)
		}
	}
	if !bytes.HasPrefix(document, []byte("%PDF-1.7\n")) || !bytes.HasSuffix(document, []byte("%%EOF\n")) || bytes.Count(document, []byte("/Type/Page/")) != 2 {
		t.Errorf("the document has %d bytes", len(document))
	}
	if got := s.events("u1", 1); len(got) != 1 || got[0] != "INVITATION_ISSUED" {
		t.Errorf("the events are %v", got)
	}

	if _, document, err := s.sheets(sheetsFor("nobody", "u2")); err != nil || len(document) != 0 {
		t.Errorf("without a page: %d bytes, %v", len(document), err)
	}
	_, _, err = s.sheets(sheetsFor("u1", "u1"))
	want(t, err, codes.InvalidArgument, pb.ErrorReason_INVALID_FIELD)
}
