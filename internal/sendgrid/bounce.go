package sendgrid

import (
	"regexp"
	"strings"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// drops are SendGrid's reasons for not trying that are about the address. Others
// are the account's or the mail's.
var drops = map[string]invitation.UndeliverableCause{
	"bounced address":        invitation.CauseBounced,
	"invalid":                invitation.CauseBounced,
	"unsubscribed address":   invitation.CauseUnsubscribed,
	"spam reporting address": invitation.CauseReportedSpam,
}

// cause tells why the address of an event gets no mail any more; it is empty if
// the event does not say so for good.
func (e event) cause() invitation.UndeliverableCause {
	switch e.Kind {
	case "dropped":
		return drops[strings.ToLower(strings.TrimSpace(string(e.Reason)))]
	case "bounce":
		if e.forGood() {
			return invitation.CauseBounced
		}
	}
	return ""
}

var (
	// enhanced is a status of RFC 3463, reply a code of RFC 5321 at the start of
	// what the recipient's server said.
	enhanced = regexp.MustCompile(`\b([245])\.(\d{1,3})\.(\d{1,3})\b`)
	reply    = regexp.MustCompile(`^\s*([2-5])\d\d\b`)
	// passing are words of refusals that are not about the mailbox's being there.
	passing = regexp.MustCompile(`(?i)time.?out|timed out|i/o|no route|connection|network|dns|resolv(e|ing) |quota|full|` +
		`over.?(limit|storage)|spam|block|black.?list|reputation|policy|content|virus|dmarc|spf|dkim|rate|` +
		`too many|try again|later|greylist|grey.?list|temporar`)
)

// forGood reports whether a bounce says that there is no such mailbox. What
// SendGrid calls a bounce may be a time-out, a full mailbox or a verdict on the
// sender, the sender's address or the content: that passes, and marks nobody. Of
// its type, SendGrid's classification, the status and the words, each may say
// so; a bounce that tells nothing at all is one for good, as SendGrid itself
// sends nothing to the address any more.
func (e event) forGood() bool {
	if !strings.HasPrefix(string(e.Type), "bounce") && e.Type != "" {
		return false // blocked, or expired: SendGrid tries the next mail again
	}
	switch strings.ToLower(string(e.Classification)) {
	case "invalid address":
		return true
	case "", "unclassified", "mailbox unavailable":
	default:
		return false // technical, content, reputation, frequency or volume too high
	}
	said := string(e.Status) + " " + string(e.Reason)
	if code := reply.FindStringSubmatch(string(e.Reason)); code != nil && code[1] != "5" {
		return false
	}
	status := enhanced.FindStringSubmatch(said)
	if status == nil {
		return !passing.MatchString(said)
	}
	switch class, subject, detail := status[1], status[2], status[3]; {
	case class != "5":
		return false
	case subject == "1":
		return detail != "7" && detail != "8" // those are about the sender
	case subject == "2":
		return detail == "0" && !passing.MatchString(said) || detail == "1" // 5.2.2 is a full mailbox
	case subject == "0", subject == "5" && detail == "0":
		return !passing.MatchString(said)
	default:
		return false
	}
}
