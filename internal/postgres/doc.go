// Package postgres keeps users, organizations, invitations, mails and the audit
// trail.
//
// The life of a change: Store.Update (call.go) puts it into a queue of package
// group, which carries out together what waits together. A group is one
// transaction (transact.go) of two round trips:
//
//	load.go    lock the users in the order of their ids; calls for those whom
//	           somebody else has locked wait apart
//	           mark the requests that were carried out before as used again
//	           read the clock, behind the locks, so that times never run against
//	           the order of changes; and invitations, mails, and who has the
//	           addresses that calls want for others
//	apply.go   run each call's rule, in Go, on a copy
//	save.go    write what differs, in one statement (writes.go)
//	           hand the new mails to the queue
//	events.go  number the events per organization: last, as an organization's
//	           writers wait for one another from there to the commit
//
// A rule that refuses changes nothing and leaves the group as it is. If
// Postgres itself refuses (a constraint that decides a race, a value it can't
// store), the transaction is rolled back and every member runs alone, so that
// one call's failure is no other's. A limit on mail is a constraint, too: a group
// that meets one runs again, and reads the limits first (limits.go).
//
// Two things don't come this way. The provider's reports (report.go) come many at
// once and have to be noted with their ids: they run the same rules in a
// transaction of their own, one after the other. Places for mails are reserved
// by one statement (limits.go), and so is the rest of the mail queue (rest.go).
//
// A database that was set back to an earlier time is told so by restored.go.
//
// Each table has a file, in which each of its columns is declared in one line
// (columns.go, kinds.go); what is selected, scanned, written and compared follows
// from that.
//
// The answer of a change comes from a transaction that locked a row and so wrote
// to the log, a repeated request's and a refusal's too: after a fail-over, it can't
// have been given for what is then lost, nor by a primary that others have replaced. The same holds for what is handed out of the trail:
// Events and Follow answer behind a commit that came after the reading (barrier.go),
// one for all who read meanwhile. Read, List and the others promise less: they tell
// what this server of the database holds, which a fail-over may take back.
//
// Who follows a trail (follow.go) costs the database nothing while nothing happens:
// each server asks for the places of all trails that are followed at once.
//
// Nothing here lives longer than a transaction on the server's side, so that a
// pooler in transaction mode can stand in between.
package postgres
