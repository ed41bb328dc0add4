package sendgridtest

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// List is one of SendGrid's lists of addresses, by its name in the API.
type List string

// The lists. A mail to an address on one of them is dropped, unless the request
// bypasses the list; only Blocks are tried again.
const (
	Bounces      List = "bounces"
	Blocks       List = "blocks"
	SpamReports  List = "spam_reports"
	Unsubscribes List = "unsubscribes"
	Invalid      List = "invalid_emails"
)

var allLists = []List{Bounces, Blocks, SpamReports, Unsubscribes, Invalid}

// drops are the reasons of the lists that suppress, in the order in which they
// are looked at.
var drops = []struct {
	list   List
	reason string
}{
	{Invalid, "Invalid"}, {Bounces, "Bounced Address"}, {SpamReports, "Spam Reporting Address"}, {Unsubscribes, "Unsubscribed Address"},
}

// Suppression is an address on a list.
type Suppression struct {
	Created int64  `json:"created"`
	Email   string `json:"email"`
	Reason  string `json:"reason,omitempty"`
	Status  string `json:"status,omitempty"`
}

// suppressions are the lists, each by address in lower case.
type suppressions map[List]map[string]Suppression

func (s suppressions) find(list List, address string) (Suppression, bool) {
	found, on := s[list][strings.ToLower(address)]
	return found, on
}

func (s suppressions) suppresses(m Message) (reason string) {
	for _, d := range drops {
		if _, on := s.find(d.list, m.To); on && !slices.Contains(m.Bypass, d.list) {
			return d.reason
		}
	}
	return ""
}

func (s suppressions) add(list List, address string, why event, now time.Time) {
	if s[list] == nil {
		s[list] = map[string]Suppression{}
	}
	entry := Suppression{Created: now.Unix(), Email: address}
	if list != SpamReports && list != Unsubscribes {
		entry.Reason, _ = why["reason"].(string)
		entry.Status, _ = why["status"].(string)
	}
	s[list][strings.ToLower(address)] = entry
}

// Suppress puts an address on a list.
func (e *Emulator) Suppress(list List, address string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lists.add(list, address, nil, e.now())
}

// Suppressed returns what is on a list, the oldest first.
func (e *Emulator) Suppressed(list List) []Suppression {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]Suppression, 0, len(e.lists[list]))
	for _, s := range e.lists[list] {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Suppression) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.Email, b.Email))
	})
	return all
}

// Release takes an address off a list, and reports whether it was on it.
func (e *Emulator) Release(list List, address string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, on := e.lists.find(list, address)
	delete(e.lists[list], strings.ToLower(address))
	return on
}
