package sendgrid

import (
	"regexp"
	"slices"
	"strings"
)

// maxReply is how much of a mail server's reply is looked at, in bytes.
const maxReply = 2000

// harmlessReply is one line of what a mail server replied to SendGrid, with
// every word left out that is no status code and not in the vocabulary of
// such replies. Anybody may run the server, and it says what it likes: the
// address, a name ("Ms Smith has left"), a link. Unlike reason, it knows
// neither the recipient nor the mail, so it only lets through what it knows.
// Nothing at all is left of a reply in which it knows no word.
func harmlessReply(said string) string {
	var kept []string
	readable := false
	for _, word := range strings.Fields(said[:min(len(said), maxReply)]) {
		core := strings.Trim(word, "()<>[]{}'\"`*.,:;!?-")
		switch {
		case core == "":
			continue
		case known(core, vocabulary):
			readable = true
			if end := word[len(word)-1]; strings.IndexByte(".,:;", end) >= 0 {
				core += string(end)
			}
		case len(kept) > 0 && kept[len(kept)-1] == redacted:
			continue
		default:
			core = redacted
		}
		kept = append(kept, core)
	}
	if !readable {
		return ""
	}
	return shortened(strings.Join(kept, " "))
}

// statusCode is an SMTP reply code or an enhanced one (RFC 3463).
var statusCode = regexp.MustCompile(`^[245]([0-9]{2}|\.[0-9]{1,3}\.[0-9]{1,3})$`)

// known reports whether a word is a status or in one of the sets, or joined of such by
// hyphens and slashes, as in 550-5.1.1.
func known(word string, sets ...map[string]bool) bool {
	if strings.ContainsFunc(word, notASCII) { // the Kelvin sign is a k in lower case
		return false
	}
	word = strings.TrimSuffix(strings.ToLower(word), "'s")
	for part := range strings.SplitSeq(strings.ReplaceAll(word, "/", "-"), "-") {
		if !statusCode.MatchString(part) && !slices.ContainsFunc(sets, func(set map[string]bool) bool { return set[part] }) {
			return false
		}
	}
	return true
}

var vocabulary = set(`
	a able abort aborted about accept accepted access account accounts action active additional address addresses
	administrative administrator again age all allocated allocation allowed already amount an and another any appears are as
	ask at attachment attempt attempts authenticate authenticated authentication authorized available
	back bad banned be because been before being blacklist blacklisted block blocked blocklist body bounce bounced bulk busy
	but by
	can can't cannot certificate change check checking client closed closing come command commands complaint complaints
	configuration configured connect connected connecting connection connections contact contain contained contains content
	could couldn't count current currently
	data day days deactivated deferred delay delayed deleted deliver delivered delivery denied deny destination detected dial
	dialing did direct disabled disallowed discarded discontinued dkim dmarc dns do does doesn't domain don't double due
	duplicate dynamic
	early either email emails end eof error errors evaluating exceed exceeded exceeds exchange exist existing exists expired
	explanation external extra
	failed fails failure far few file filter filtered find fixed following for forbidden format formatted found framework
	frequency frequently from full further
	get given greeting greylist greylisted greylisting guidelines
	had handshake has have header headers helo help here high history hop host hostname hosts hour hours
	identity if illegal in inactive inbox inconsistent incorrect infected info information insufficient internal internet
	invalid invitation ip ips is isn't it
	junk
	keep known
	large later learn legitimate likely limit limited limits link links list listed local locked long lookup loop low
	mail mailbox mailboxes mailer mails malformed many match matched maximum meet message messages minute minutes missing more
	moved much must mx
	name named network never new no non none not now number
	occurred of off offline on one only open or originating other our out over own
	package part pass passed password peer permanent permanently permission permitted please point policies policy poor
	possible postmaster prevent prevents problem prohibited prohibition protect protocol provided provider ptr
	queue quickly quota
	rate rates reach reached read realtime reason reasons receive received receiver receiving recipient recipients record
	records reduce refused reject rejected rejecting rejection relay relaying remote removed reply reported reporting
	reputation request requested require required requirements requires resend reset resolve resources responding response
	restricted restriction restrictions results retry return returned reverse rule rules
	same secure security see seems send sender senders sending sent sequence server servers service session since size slow
	smtp smtpapi so soft some soon sorry space spaces spam spamhaus spamming spf spoofed status stopped storage string subject
	such support suspected suspended suspicious syntax system systems
	table taken tcp technical temporarily temporary terminated than that the their there these this throttled throttling time
	timed timeout timeouts times tls to too traffic transaction transient tried try trying typos
	unable unauthenticated unauthorized unavailable undeliverable unexpected unfortunately unknown unnecessary unrecognized
	unrouteable unsolicited unsubscribed unusual up us use used user users using
	valid validation verification verified verify verifying very via violation virtual virus visit volume
	wait was were when which while with within without would wrong
	yet you your
`)

func set(words string) map[string]bool {
	all := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		all[word] = true
	}
	return all
}
