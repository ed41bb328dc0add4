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
// What the provider refuses for the account's sake, or can't take for now, judges
// no mail: the queue of all servers rests, one mail is tried now and then, and
// it goes on by itself (rest.go), with few mails at once at first (lanes.go). A mail of which nobody knows whether it went
// out waits for the provider's report before it is sent again.
//
// While operations has an organization's mails wait, or everybody's, its jobs are put
// aside without an attempt.
//
// A worker that dies leaves its job to be rescued by another server. If it died
// between the provider's answer and its recording, the mail goes out twice,
// with the same link; and so does one whose answer was lost, if no report comes in
// time. Nothing else leads to a second mail.
package delivery
