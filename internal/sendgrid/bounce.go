package sendgrid

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// drops are SendGrid's reasons for not trying, in lower case.
var drops = map[string]invitation.DropCause{
	"bounced address":                   invitation.DropBounced,
	"invalid":                           invitation.DropInvalid,
	"unsubscribed address":              invitation.DropUnsubscribed,
	"spam reporting address":            invitation.DropReportedSpam,
	"spam content":                      invitation.DropSpamContent,
	"invalid smtpapi header":            invitation.DropBadHeader,
	"recipient list over package quota": invitation.DropOverQuota,
}

// dropCause is empty for everything but a drop.
func (e event) dropCause() invitation.DropCause {
	if kinds[e.Kind] != invitation.Dropped {
		return ""
	}
	return cmp.Or(drops[plain(e.Reason)], invitation.DropOther)
}

// classifications are SendGrid's of bounces, in lower case.
var classifications = []string{
	"invalid address", "technical", "technical failure", "content", "reputation", "frequency or volume too high", "mailbox unavailable", "unclassified",
}

// readType takes what belongs elsewhere out of the type: some events have a
// classification there, and some the reason.
func (e *event) readType() {
	given, said := e.Type, plain(e.Type)
	_, isDrop := drops[said]
	switch e.Type = text(said); {
	case slices.Contains(classifications, said):
		e.Type, e.Classification = "", cmp.Or(e.Classification, given)
	case isDrop, replyCode.MatchString(said), len(statuses(said)) > 0:
		e.Type, e.Reason = "", cmp.Or(e.Reason, given)
	}
}

var (
	// replyCode is a code of RFC 5321 at the start of what the recipient's server
	// said, number what may be a status of RFC 3463 or an address of a network.
	replyCode = regexp.MustCompile(`^\s*([2-5])\d\d\b`)
	number    = regexp.MustCompile(`\d[\d.]*`)
	enhanced  = regexp.MustCompile(`^([245])\.(\d{1,3})\.(\d{1,3})\.?$`)
	// passing are words of refusals that pass, elsewhere of those that are about
	// the road, the sender or the content.
	passing = regexp.MustCompile(`(?i)time.?out|timed out|quota|\bfull\b|over.?(limit|storage)|\brate\b|too (many|quickly)|` +
		`try again|later|gr[ea]y.?list|temporar`)
	elsewhere = regexp.MustCompile(`(?i)i/o|no route|\bdial|connection|network|\bdns\b|resolv(e|ing) |spam|\bblock|black.?list|` +
		`reputation|policy|content|virus|\bdmarc\b|\bspf\b|\bdkim\b`)
)

// statuses are the codes of RFC 3463 in a text: class, subject and detail.
func statuses(said string) (all [][]string) {
	for _, n := range number.FindAllString(said, -1) {
		if code := enhanced.FindStringSubmatch(n); code != nil {
			all = append(all, code[1:])
		}
	}
	return all
}

// forGood reports whether a bounce says that there is no such mailbox. What
// SendGrid calls a bounce may be a time-out, a full mailbox or a verdict on the
// sender, the sender's address or the content: that passes, and marks nobody. Of
// its type, SendGrid's classification, the status and the words, each may say
// so; a bounce that tells nothing at all is one for good, as SendGrid itself
// sends nothing to the address any more.
func (e event) forGood() bool {
	if kinds[e.Kind] != invitation.Bounced || !strings.HasPrefix(string(e.Type), "bounce") && e.Type != "" {
		return false // blocked, or expired: SendGrid tries the next mail again
	}
	class := plain(e.Classification)
	if !slices.Contains([]string{"", "unclassified", "mailbox unavailable", "invalid address"}, class) {
		return false // technical, content, reputation, frequency or volume too high
	}
	said := string(cmp.Or(e.Reason, e.Response))
	codes := statuses(said + " " + string(e.Status))
	temporary := func(code []string) bool { return code[0] != "5" }
	if code := replyCode.FindStringSubmatch(said); code != nil && temporary(code[1:]) ||
		slices.ContainsFunc(codes, temporary) || passing.MatchString(said) {
		return false
	}
	specific := slices.IndexFunc(codes, func(code []string) bool { return code[1] != "0" })
	if specific < 0 {
		return !elsewhere.MatchString(said)
	}
	switch code := codes[specific][1] + "." + codes[specific][2]; {
	case code == "1.7", code == "1.8": // about the sender
		return false
	case strings.HasPrefix(code, "1."), code == "2.1":
		return true
	case code == "2.0", code == "5.0", strings.HasPrefix(code, "7.") && class == "invalid address":
		return !elsewhere.MatchString(said)
	default: // such as 2.2, a full mailbox, 4.x, the road, or 7.x, policy
		return false
	}
}
