package sendgridtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Account is the state that the account at SendGrid is in.
type Account struct {
	// Keys are those that are accepted; any when there is none.
	Keys []string `json:"keys,omitempty"`
	// Senders are the verified addresses, and domains without an "@"; any when
	// there is none. A domain does not stand for those below it.
	Senders []string `json:"senders,omitempty"`
	// Status is what SendGrid has done to the account. Unless it is Active, no
	// mail is taken.
	Status Status `json:"status,omitempty"`
}

// Status is the type of the event that tells of it.
type Status string

// Statuses of an account. On the way back to Active the event says "reactivate".
const (
	Active      Status = ""
	Suspended   Status = "compliance_suspend"
	Deactivated Status = "compliance_deactivate"
	Banned      Status = "compliance_ban"
)

var statuses = []Status{Active, Suspended, Deactivated, Banned}

func (a Account) check() error {
	if !slices.Contains(statuses, a.Status) {
		return fmt.Errorf("there is no status %q", a.Status)
	}
	return nil
}

// SetAccount replaces the state of the account, and tells the webhook if its
// status is another. It panics on what PUT /api/account refuses.
func (e *Emulator) SetAccount(a Account) {
	if err := a.check(); err != nil {
		panic("sendgridtest: " + err.Error())
	}
	e.mu.Lock()
	before := e.account.Status
	e.account = a.clone()
	e.mu.Unlock()
	if e.hook != nil && a.Status != before {
		e.hook.add([]*post{{due: time.Now(), events: []event{e.statusChanged(a.Status)}, alone: true}})
	}
}

func (e *Emulator) statusChanged(to Status) event {
	kind := string(to)
	if to == Active {
		kind = "reactivate"
	}
	now := e.now()
	id := fmt.Sprintf("%s-%s-%d", accountID, kind, now.UnixNano())
	return event{
		"event": "account_status_change", "type": kind, "timestamp": now.Unix(),
		"sg_event_id": base64.RawURLEncoding.EncodeToString([]byte(id)),
	}
}

// Account returns the state of the account.
func (e *Emulator) Account() Account {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.account.clone()
}

func (a Account) clone() Account {
	a.Keys, a.Senders = slices.Clone(a.Keys), slices.Clone(a.Senders)
	return a
}

func (a Account) knows(authorization string) bool {
	scheme, key, _ := strings.Cut(authorization, " ")
	return scheme == "Bearer" && key != "" && (len(a.Keys) == 0 || slices.Contains(a.Keys, key))
}

// mayFrom reports whether all that a request is from is verified.
func (a Account) mayFrom(r *mailRequest) bool {
	verified := func(b *box) bool {
		return b == nil || len(a.Senders) == 0 || slices.ContainsFunc(a.Senders, func(s string) bool {
			_, domain, _ := strings.Cut(b.Email, "@")
			return strings.EqualFold(s, b.Email) || strings.EqualFold(s, domain)
		})
	}
	return verified(r.From) && !slices.ContainsFunc(r.Personalizations, func(p envelope) bool { return !verified(p.From) })
}

// refuseAccount answers what the account may not do.
func (e *Emulator) refuseAccount(w http.ResponseWriter, r *mailRequest) bool {
	account := e.Account()
	switch {
	case account.Status != Active:
		return e.answerFault(w, NotAuthorized)
	case !account.mayFrom(r):
		return e.answerFault(w, SenderUnverified)
	}
	return false
}

// authorized wraps what needs a key.
func (e *Emulator) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !e.Account().knows(r.Header.Get("Authorization")) {
			e.answerFault(w, KeyRevoked)
			return
		}
		next(w, r)
	}
}
