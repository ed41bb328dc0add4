package invitation_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

const lineC = "C MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="

// TestKeys: one key signs, older and coming ones verify, and what is shown of
// them tells them apart.
func TestKeys(t *testing.T) {
	t.Parallel()
	r := ring(t, lineA, lineB, lineC+" next")
	var shown []string
	prints := map[string]bool{}
	for _, k := range r.Keys() {
		shown = append(shown, k.ID+" "+string(k.Use))
		prints[k.Fingerprint] = true
		if len(k.Fingerprint) != 8 {
			t.Errorf("key %s has the fingerprint %q", k.ID, k.Fingerprint)
		}
	}
	if want := []string{"A verifies", "B signs", "C next"}; !slices.Equal(shown, want) || len(prints) != 3 {
		t.Errorf("keys are %v with fingerprints %v, want %v", shown, prints, want)
	}
	if r.Sign(someToken) != ring(t, lineB).Sign(someToken) {
		t.Error("a key that is yet to sign signs")
	}
	if got, err := r.Verify(ring(t, lineC).Sign(someToken)); err != nil || got != someToken {
		t.Errorf("a key that is yet to sign does not verify: %+v, %v", got, err)
	}
	if ring(t, "D"+lineA[1:]).Keys()[0].Fingerprint != ring(t, lineA).Keys()[0].Fingerprint {
		t.Error("the fingerprint of a secret depends on its id")
	}
	if _, err := invitation.ParseKeyRing([]byte(lineA + " next\n" + lineB + " next")); err == nil || !strings.Contains(err.Error(), "no key of the key file signs") {
		t.Errorf("a ring in which nothing signs: %v", err)
	}
}

// TestPseudonym: equal for one mailbox, also when another key signs; another for
// each other one and under another oldest key; and nothing of the address.
func TestPseudonym(t *testing.T) {
	t.Parallel()
	linker, err := invitation.NewLinker("https://kiwi.example/i/", ring(t, lineA))
	must(t, err)
	a := linker.Pseudonym(addressA)
	if a != linker.Pseudonym(respelledA) || len(a) != 22 {
		t.Errorf("one mailbox is %q and %q", a, linker.Pseudonym(respelledA))
	}
	if a == linker.Pseudonym(addressB) || a == ring(t, lineB).Pseudonym(addressA) {
		t.Error("two mailboxes or two keys have one pseudonym")
	}
	if a != ring(t, lineA, lineB).Pseudonym(addressA) {
		t.Error("a mailbox has another pseudonym when a newer key signs")
	}
	linker.SetRing(ring(t, lineB))
	if linker.Pseudonym(addressA) != ring(t, lineB).Pseudonym(addressA) {
		t.Error("the linker goes on with the ring that it had")
	}
}

// TestErrorTexts: what a caller or a log reads says what there is to know.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	retry := &invitation.RetryError{Err: invitation.ErrMailThrottled, After: time.Minute}
	for text, err := range map[string]error{
		invitation.ErrMailThrottled.Error():     retry,
		"user_ids[3]: is required":              &invitation.FieldError{Field: "user_ids[3]", Problem: "is required"},
		"refused for good: HTTP 400":            &invitation.SendError{Permanent: true, Reason: "HTTP 400"},
		"refused for now: HTTP 503":             &invitation.SendError{Reason: "HTTP 503"},
		"key file, line 2: the id is not there": &invitation.KeyError{Line: 2, Problem: "the id is not there"},
	} {
		if err.Error() != text {
			t.Errorf("%T reads %q, want %q", err, err, text)
		}
	}
	if !errors.Is(retry, invitation.ErrMailThrottled) {
		t.Error("a RetryError hides what it is about")
	}
	if got := (invitation.Link{}).Reveal(); got != "" {
		t.Errorf("no link reads %q", got)
	}
	for _, end := range append(invitation.Ends(), "") {
		want := string(end)
		if end == "" {
			want = string(invitation.EndSuperseded)
		}
		if !errors.Is(end.Err(), ends[want]) {
			t.Errorf("%q is refused with %v", end, end.Err())
		}
	}
}

var ends = map[string]error{
	"INVITATION_EXPIRED": invitation.ErrInvitationExpired, "INVITATION_REVOKED": invitation.ErrInvitationRevoked,
	"INVITATION_SUPERSEDED": invitation.ErrInvitationSuperseded, "EMAIL_CHANGED": invitation.ErrEmailChanged, "USER_DEACTIVATED": invitation.ErrUserDeactivated,
}
