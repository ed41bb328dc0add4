package sendgrid

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func accountEvent(kind string, at int) string {
	return fmt.Sprintf(`{"event":"account_status_change","type":%s,"sg_event_id":"a-%d","timestamp":%d}`, kind, at, at)
}

// TestAccountStatus: people hear of every change, and the mail queue of those that
// stop the account or let it send again.
func TestAccountStatus(t *testing.T) {
	t.Parallel()
	const halted, reinstated = "halted: SendGrid changed the account's status: ", "reinstated"
	tests := map[string]struct {
		events   []string
		levels   []string
		kinds    []string
		followed []string
	}{
		"suspended":   {[]string{accountEvent(`"compliance_suspend"`, 1)}, []string{"ERROR"}, []string{"compliance_suspend"}, []string{halted + "compliance_suspend"}},
		"deactivated": {[]string{accountEvent(`"Deactivated"`, 1)}, []string{"ERROR"}, []string{"deactivated"}, []string{halted + "deactivated"}},
		"banned":      {[]string{accountEvent(`"banned"`, 1)}, []string{"ERROR"}, []string{"banned"}, []string{halted + "banned"}},
		"reactivated": {[]string{accountEvent(`"compliance_reactivate"`, 1)}, []string{"INFO"}, []string{"compliance_reactivate"}, []string{reinstated}},
		"activated":   {[]string{accountEvent(`"activated"`, 1)}, []string{"INFO"}, []string{"activated"}, []string{reinstated}},
		"unsuspended": {[]string{accountEvent(`"unsuspend"`, 1)}, []string{"INFO"}, []string{"unsuspend"}, []string{reinstated}},
		"new":         {[]string{accountEvent(`"renamed"`, 1)}, []string{"ERROR"}, []string{"renamed"}, nil},
		"a sentence":  {[]string{accountEvent(`"suspended: erika@kiwi.test"`, 1)}, []string{"ERROR"}, []string{unreadable}, nil},
		"nothing":     {[]string{accountEvent(`null`, 1)}, []string{"ERROR"}, []string{unreadable}, nil},
		"both": {
			[]string{accountEvent(`"reactivate"`, 2), accountEvent(`"suspend"`, 1)},
			[]string{"ERROR", "INFO"}, []string{"suspend", "reactivate"}, []string{reinstated},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := &recorder{}
			hook, s := startHook(t, rec, nil)
			if a := s.request(t, events(append(test.events, deliveredEvent(1))...)).post(t, hook); a.status != http.StatusNoContent {
				t.Errorf("status %d", a.status)
			}
			var levels, kinds []string
			lines := rec.lines(t)
			for _, line := range lines[:len(lines)-1] {
				levels, kinds = append(levels, line["level"].(string)), append(kinds, line["kind"].(string))
				if line["msg"] != "SendGrid changed the account's status" {
					t.Errorf("log %v", line)
				}
			}
			if !reflect.DeepEqual(levels, test.levels) || !reflect.DeepEqual(kinds, test.kinds) || !reflect.DeepEqual(rec.followed, test.followed) {
				t.Errorf("logged %v %v, followed %q", levels, kinds, rec.followed)
			}
			if last := lines[len(lines)-1]; last["account"] != float64(len(test.events)) || last["known"] != 1.0 || strings.Contains(rec.log(), "erika") {
				t.Errorf("log %v", last)
			}
		})
	}
}

// TestOverQuota: that mails are dropped for the account's sake is told aloud.
func TestOverQuota(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	hook, s := startHook(t, rec, nil)
	drop := strings.NewReplacer("delivered", "dropped", "250 2.0.0 OK", "x", "response", "other")
	body := events(drop.Replace(deliveredEvent(1)), strings.ReplaceAll(drop.Replace(deliveredEvent(2)), `"other":"x"`, `"reason":"Recipient List over Package Quota"`))
	if a := s.request(t, body).post(t, hook); a.status != http.StatusNoContent {
		t.Errorf("status %d", a.status)
	}
	if line := rec.lines(t)[0]; line["level"] != "ERROR" || line["mails"] != 1.0 || !strings.Contains(line["msg"].(string), "quota") {
		t.Errorf("log %v", line)
	}
}

// TestAccountStatusOutOfOrder: what was heard, and what is older than that, does
// not count again.
func TestAccountStatusOutOfOrder(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	hook, s := startHook(t, rec, nil)
	suspended, back := accountEvent(`"compliance_suspend"`, 2), accountEvent(`"compliance_reactivate"`, 3)
	for _, body := range []string{
		events(suspended), events(suspended), events(back), events(suspended), events(accountEvent(`"compliance_ban"`, 1)), events(back, suspended),
		events(accountEvent(`"compliance_ban"`, 4)), events(`{"event":"account_status_change","type":"activated","sg_event_id":"a-x"}`),
	} {
		if a := s.request(t, body).post(t, hook); a.status != http.StatusNoContent {
			t.Errorf("status %d", a.status)
		}
	}
	const halted = "halted: SendGrid changed the account's status: "
	if want := []string{halted + "compliance_suspend", "reinstated", halted + "compliance_ban", "reinstated"}; !reflect.DeepEqual(rec.followed, want) {
		t.Errorf("followed %q", rec.followed)
	}
}

// TestAccountStatusIsRepeated: what the queue could not be told SendGrid has to say
// again.
func TestAccountStatusIsRepeated(t *testing.T) {
	t.Parallel()
	rec := &recorder{followErr: errors.New("no connection")}
	hook, s := startHook(t, rec, nil)
	r := s.request(t, events(accountEvent(`"compliance_suspend"`, 1)))
	if a := r.post(t, hook); a.status != http.StatusServiceUnavailable {
		t.Errorf("status %d", a.status)
	}
	rec.followErr = nil
	if a := r.post(t, hook); a.status != http.StatusNoContent || len(rec.followed) != 2 {
		t.Errorf("status %d, followed %q", a.status, rec.followed)
	}
}
