package delivery

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kiwi-ki/invitations/internal/dev/harness"
	"github.com/kiwi-ki/invitations/internal/invitation"
)

// stubborn finds the same page again and again.
type stubborn struct {
	page  []invitation.Due
	asked int
}

func (s *stubborn) Expired(context.Context, int) ([]invitation.Due, error) {
	s.asked++
	return s.page, nil
}
func (*stubborn) Ending(context.Context, time.Duration, int) ([]invitation.Due, error) {
	return nil, nil
}
func (*stubborn) Forget(context.Context) error { return nil }

// idle is a store whose rules change nothing.
type idle struct{ invitation.Store }

func (idle) Update(context.Context, invitation.Change) (invitation.Result, error) {
	return invitation.Result{}, nil
}

// TestAgendaWithoutProgress: if what is looked for and the rule disagree on what
// is due, the agenda ends, and says so once.
func TestAgendaWithoutProgress(t *testing.T) {
	t.Parallel()
	agenda, log := &stubborn{}, &harness.Log{}
	for range agendaPage {
		agenda.page = append(agenda.page, invitation.Due{Key: invitation.Key{InvitationID: uuid.New()}})
	}
	w := &agendaWorker{Config: Config{Store: idle{}, Agenda: agenda, Logger: slog.New(slog.NewTextHandler(log, nil))}}
	if err := w.Work(harness.Within(t), nil); err != nil {
		t.Fatal(err)
	}
	if said := log.Take(); agenda.asked != 2 || strings.Count(said, "no progress") != 1 {
		t.Errorf("it looked %d times, and said:\n%s", agenda.asked, said)
	}
}
