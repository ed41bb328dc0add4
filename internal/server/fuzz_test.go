package server

import (
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// FuzzPageToken: whatever is read as a page token is, letter for letter, what
// this list hands out, and no other list reads it.
func FuzzPageToken(f *testing.F) {
	invitations := &pb.ListInvitationsRequest{OrganizationId: "o"}
	events := &pb.ListEventsRequest{OrganizationId: "o"}
	foreign := &pb.ListEventsRequest{OrganizationId: "p"}
	byID, byNumber := pageToken(invitations, uuid.Max), pageToken(events, int64(1)<<40)
	for _, seed := range []string{
		"", "A", "====", "\n", byID, byNumber, byID + "=", byID[1:], byNumber + byNumber, byNumber[:5] + "\n" + byNumber[5:], byNumber[:len(byNumber)-1] + "_",
		pageToken(invitations, uuid.Nil), pageToken(events, int64(-1)), pageToken(events, int64(0)), pageToken(foreign, int64(0)),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		accepted := readAs[uuid.UUID](t, invitations, token) + readAs[int64](t, events, token) + readAs[int64](t, foreign, token)
		if accepted > 1 {
			t.Errorf("%q is a page of %d lists", token, accepted)
		}
	})
}

// readAs returns 1 if the token is one of the list's.
func readAs[T uuid.UUID | int64](t *testing.T, list proto.Message, token string) int {
	last, err := readPageToken[T](list, token)
	switch {
	case token == "" && err == nil && last == *new(T):
		return 0 // the first page
	case err != nil:
		return 0
	case pageToken(list, last) != token:
		t.Errorf("%q is read as %v, for which %q is handed out", token, last, pageToken(list, last))
	}
	return 1
}
