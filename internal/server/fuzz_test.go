package server

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// FuzzPageToken: whatever is read as a page token is, letter for letter, what
// this list hands out, and no other list reads it.
func FuzzPageToken(f *testing.F) {
	invitations := &pb.ListInvitationsRequest{OrganizationId: "o"}
	events := &pb.ListEventsRequest{OrganizationId: "o"}
	foreign := &pb.ListEventsRequest{OrganizationId: "p"}
	nobody := &pb.ListUsersRequest{OrganizationId: "o"}
	id, number := bytes.Repeat([]byte{0xff}, 16), []byte{0, 0, 1, 0, 0, 0, 0, 0}
	byID, byNumber := pageToken(invitations, id), pageToken(events, number)
	for _, seed := range []string{
		"", "A", "====", "\n", byID, byNumber, byID + "=", byID[1:], byNumber + byNumber, byNumber[:5] + "\n" + byNumber[5:], byNumber[:len(byNumber)-1] + "_",
		pageToken(invitations, make([]byte, 16)), pageToken(events, make([]byte, 8)), pageToken(foreign, number), pageToken(nobody, []byte("anna")),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		accepted := readAs(t, invitations, token, 16) + readAs(t, events, token, 8) + readAs(t, foreign, token, 8) + readAs(t, nobody, token, 0)
		if accepted > 1 {
			t.Errorf("%q is a page of %d lists", token, accepted)
		}
	})
}

// readAs returns 1 if the token is one of the list's.
func readAs(t *testing.T, list proto.Message, token string, length int) int {
	last, err := readPageToken(list, token, length)
	switch {
	case token == "" && err == nil && last == nil:
		return 0 // the first page
	case err != nil:
		return 0
	case pageToken(list, last) != token:
		t.Errorf("%q is read as %v, for which %q is handed out", token, last, pageToken(list, last))
	}
	return 1
}
