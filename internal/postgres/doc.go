// Package postgres keeps users, invitations, mails and the audit trail.
//
// All writing goes through Store.Update. Calls that arrive while a transaction
// is in flight form the next group, which becomes one transaction:
//
//	lock the users, in the order of their ids; calls for those that somebody
//	    else has locked are put off, to wait on their own
//	find requests that were carried out before, by marking them as used again
//	read the clock, after the locks, so that times never run against the order
//	    of changes; and invitations and mails
//	run each call's rule, in Go, on a copy
//	write what differs, in one statement
//	hand the new mails to the queue
//	number the events per organization: last, as it makes an organization's
//	    writers wait for one another until the commit
//
// A rule that refuses changes nothing and leaves the group as it is. If
// Postgres itself refuses (a constraint that decides a race, a value it can't
// store), the transaction is rolled back and every member runs alone, so that
// one call's failure is no other's. That a limit on mail is met is a constraint's
// word too: such a group runs again and reads the limits first.
//
// Every answer comes from a transaction that locked a row and so wrote to the
// log, a repeated request's too: after a fail-over, no answer can have been
// given for what is then lost.
//
// Nothing here lives longer than a transaction on the server's side, so that a
// pooler in transaction mode can stand in between.
package postgres
