// Package group lets calls that come at the same time share what each would
// otherwise do alone, such as a transaction. It knows neither what a call asks
// nor what a group does.
//
// The life of a call (queue.go): if few groups are in flight, Do carries it out at
// once, alone, and nothing has to be woken for it. Else it waits in a queue of
// bounded length: when a group is done, whatever waits, up to a limit, is the next
// one. No timer is involved, so a lone call never waits for company.
//
// What a group does (round.go) says what became of each of its calls, a Fate:
// it is answered, it belongs into a later group, or it waits for a key that
// somebody else holds. Calls for one key wait together, on their own, and
// nobody else with them; so many keys may be waited for at once. If a group
// fails as a whole, a Verdict on its error says whether to carry it out again,
// in which Mode, or each call by itself, so that the failure of one is no
// other's.
package group
