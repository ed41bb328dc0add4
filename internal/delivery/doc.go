// Package delivery sends the mails that the write path queued.
//
// Each mail has a River job, added in the transaction that queued the mail, and
// holding nothing but the delivery's id. Its worker
//
//	claims it: looks again, in a transaction that writes, whether the mail
//	    should still go out, and counts the attempt
//	renders it and hands it to the Sender
//	records what the provider said
//
// A worker that dies leaves its job to be rescued by another server. If it died
// between the provider's answer and its recording, the mail goes out twice,
// with the same link; nothing else leads to a second mail.
package delivery
