package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/dev/pgtest"
	"github.com/kiwi-ki/invitations/internal/postgres"
	"github.com/kiwi-ki/invitations/internal/server"
	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// sheets reads a call to its end, and returns the results without the document, and
// the document.
func (s *stack) sheets(req *pb.GenerateInfoSheetsRequest) (results []*pb.GenerateInfoSheetsResponse, document []byte, err error) {
	s.t.Helper()
	stream, err := s.GenerateInfoSheets(s.t.Context(), req)
	must(s.t, err)
	return s.read(stream)
}

func (s *stack) read(stream pb.InvitationService_GenerateInfoSheetsClient) (results []*pb.GenerateInfoSheetsResponse, document []byte, err error) {
	s.t.Helper()
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

// TestInfoSheetsAgain: a repeated call has no page for a link that died meanwhile,
// tries again who was refused, and does nothing a second time.
func TestInfoSheetsAgain(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.people(3)
	_, err := s.DeactivateUser(t.Context(), &pb.DeactivateUserRequest{OrganizationId: org, UserId: "u3"})
	must(t, err)
	req := sheetsFor("u1", "u2", "u3")
	req.RequestId = uuid.NewString()
	first, document, err := s.sheets(req)
	must(t, err)
	_, again, err := s.sheets(req)
	must(t, err)
	if len(s.events("u1", 1)) != 1 || !bytes.Equal(document, again) {
		t.Errorf("the repeated call did something: %v", s.events("u1", 1))
	}

	_, err = s.Revoke(t.Context(), &pb.RevokeRequest{OrganizationId: org, UserId: "u1", Target: app})
	must(t, err)
	_, err = s.ReactivateUser(t.Context(), &pb.ReactivateUserRequest{OrganizationId: org, UserId: "u3"})
	must(t, err)
	later, _, err := s.sheets(req)
	must(t, err)
	for i, want := range []struct {
		page  int32
		state pb.InvitationState
	}{
		{0, pb.InvitationState_INVITATION_STATE_REVOKED}, {1, pb.InvitationState_INVITATION_STATE_PENDING}, {2, pb.InvitationState_INVITATION_STATE_PENDING},
	} {
		if later[i].GetPage() != want.page || later[i].GetInvitation().GetState() != want.state {
			t.Errorf("result %d was %v, and is %v", i, first[i], later[i])
		}
	}

	req.Sheets = req.GetSheets()[:1]
	_, _, err = s.sheets(req)
	want(t, err, codes.Aborted, pb.ErrorReason_REQUEST_ID_REUSED)
}

// TestInfoSheetsAreNoMails: what limits mails does not limit paper, and the address
// is of no account.
func TestInfoSheetsAreNoMails(t *testing.T) {
	t.Parallel()
	s := newStackOn(t, pgtest.Database(t), io.Discard, postgres.Limit{N: 1, Per: time.Hour}, postgres.Limit{N: 1, Per: time.Hour})
	s.people(4)
	results, _, err := s.sheets(sheetsFor("u1", "u2", "u3", "u4"))
	must(t, err)
	if results[3].GetPage() != 4 || s.jobs("u4") != 0 {
		t.Errorf("the fourth got %v", results[3])
	}
}

// TestInfoSheetsKeepPace: nobody's link is issued whose page nobody came near. gRPC
// holds some pages for a caller who has stopped reading; meanwhile another caller
// gets as many as were asked for.
func TestInfoSheetsKeepPace(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	const asked, ahead = 100, 50
	s.people(2 * asked)
	var slow, quick []string
	for i := range asked {
		slow, quick = append(slow, fmt.Sprint("u", i+1)), append(quick, fmt.Sprint("u", asked+i+1))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stream, err := s.GenerateInfoSheets(ctx, sheetsFor(slow...))
	must(t, err)
	_, err = stream.Recv()
	must(t, err)
	results, _, err := s.sheets(sheetsFor(quick...))
	must(t, err)
	if results[asked-1].GetPage() != asked {
		t.Errorf("the last of those who read is %v", results[asked-1])
	}
	if issued := s.count(`SELECT count(*) FROM invitations`) - asked; issued < 1 || issued > ahead {
		t.Errorf("one page was read, and %d were issued", issued)
	}
}

// TestPrintsOfOneOrganization: those of its documents that nobody reads on leave room
// for other organizations' ones, and for its own as soon as they end.
func TestPrintsOfOneOrganization(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	const asked, most = 60, 8
	s.people(asked)
	var ids []string
	for i := range asked {
		ids = append(ids, fmt.Sprint("u", i+1))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for range most {
		stream, err := s.GenerateInfoSheets(ctx, sheetsFor(ids...))
		must(t, err)
		_, err = stream.Recv() // and no more of it
		must(t, err)
	}
	_, _, err := s.sheets(sheetsFor("u1"))
	want(t, err, codes.Unavailable, pb.ErrorReason_SERVICE_UNAVAILABLE)

	_, err = s.CreateUser(t.Context(), &pb.CreateUserRequest{
		OrganizationId: "another", UserId: "a1", Type: pb.UserType_USER_TYPE_TENANT, DisplayName: "Erika", Invite: pb.Invite_INVITE_LATER,
	})
	must(t, err)
	other := sheetsFor("a1")
	other.OrganizationId = "another"
	results, _, err := s.sheets(other)
	must(t, err)
	if len(results) != 1 || results[0].GetPage() != 1 {
		t.Errorf("another organization got %v", results)
	}
	stop()
	for again := harness.Within(t); ; {
		if _, _, err = s.sheets(sheetsFor("u1")); err == nil {
			return
		}
		if again.Err() != nil {
			t.Fatalf("after they ended: %v", err)
		}
	}
}

// TestNobodyIsWaitedForForever: a caller who has stopped reading holds no place of
// the server's any longer than a stream may last, and learns that the document is
// only half of it.
func TestNobodyIsWaitedForForever(t *testing.T) {
	t.Parallel()
	const asked = 200
	ended := &awaited{text: "GenerateInfoSheets", seen: make(chan struct{})}
	s := newStackOn(t, pgtest.Database(t), ended)
	s.people(asked)
	s.serve(func(c *server.Config) { c.StreamAge = 2 * time.Second })
	var ids []string
	for i := range asked {
		ids = append(ids, fmt.Sprint("u", i+1))
	}
	stream, err := s.GenerateInfoSheets(t.Context(), sheetsFor(ids...))
	must(t, err)
	select {
	case <-ended.seen:
	case <-harness.Within(t).Done():
		t.Fatal("the call lasts")
	}
	results, document, err := s.read(stream)
	want(t, err, codes.Unavailable, pb.ErrorReason_SERVICE_UNAVAILABLE)
	if len(results) >= asked || bytes.HasSuffix(document, []byte("%%EOF\n")) {
		t.Errorf("%d results, %d bytes", len(results), len(document))
	}
}

// awaited is a log that tells when it has had a text.
type awaited struct {
	text string
	seen chan struct{}
	once sync.Once
}

// Write implements io.Writer.
func (a *awaited) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(a.text)) {
		a.once.Do(func() { close(a.seen) })
	}
	return len(line), nil
}
