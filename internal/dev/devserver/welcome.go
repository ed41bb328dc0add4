package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// session is for pasting into a second terminal; the README shows it too. It has
// no comments, because zsh takes pasted ones for commands.
const session = `
call() { echo "── $1: $3" >&2; bin/grpcurl -plaintext -d "$2" ADDR "kiwi.invitation.v1.$1"; }

U=anna-$(date +%s)-$$; ID='"organization_id":"demo","user_id":"'$U'"'
call OrganizationService/UpdateOrganization '{"organization_id":"demo","update_mask":"name,contact","name":"Hausverwaltung Müller","contact":"030 123456, Mo–Fr 9–16 Uhr"}' 'what mails say of it'
call UserService/CreateUser '{'$ID',"type":"USER_TYPE_TENANT","display_name":"Anna Schmidt","invite":"INVITE_LATER"}' 'nobody knows her address yet'
call InvitationService/Send '{'$ID',"target":"TARGET_APP"}' 'refused, EMAIL_REQUIRED'
call InvitationService/UpdateEmail '{'$ID',"email":"'$U'@example.com","follow_up":"FOLLOW_UP_SEND_NOW","target":"TARGET_APP"}' 'saved and mailed'
TOKEN=$(bin/devserver token $U@example.com)
call RedemptionService/Preview '{"token":"'$TOKEN'"}' 'what the app shows, as often as it likes'
call RedemptionService/Redeem '{"token":"'$TOKEN'"}' 'once: she is online, her address is confirmed'
call InvitationService/UpdateEmail '{'$ID',"email":"x@example.com","follow_up":"FOLLOW_UP_LATER"}' 'refused, EMAIL_CONFIRMED'
call InvitationService/ResetActivation '{'$ID',"target":"TARGET_APP"}' 'the wrong person had the phone: revoked, address unconfirmed'
call InvitationService/ListEvents '{'$ID'}' 'all of it'

U=karl-$(date +%s)-$$; ID='"organization_id":"demo","user_id":"'$U'"'
call UserService/CreateUser '{'$ID',"type":"USER_TYPE_TENANT","display_name":"Karl Krause","invite":"INVITE_LATER"}' 'he has no address at all'
call InvitationService/GenerateQR '{'$ID',"target":"TARGET_APP"}' 'into qr.png' | sed -n 's/.*"image": "\(.*\)".*/\1/p' | base64 -d > qr.png
`

func welcome(out io.Writer, env settings, inbox string) {
	addr := env.get("INVITATION_GRPC_ADDR")
	fmt.Fprintf(out, "\nKIWI Invitations is running; Ctrl-C stops it.\n\n  Portal  http://%s (an example: invite somebody)\n", portalAddr())
	fmt.Fprintf(out, "  App     http://%s (links lead there)\n", appAddr())
	if inbox != "" {
		fmt.Fprintf(out, "  Inbox   %[1]s (%[1]s/control has mail bounce, SendGrid refuse, …)\n", inbox)
	}
	fmt.Fprintf(out, "  gRPC    %s (reflection and health)\n", addr)
	fmt.Fprintf(out, "  Log     %s/invitationd.log\n\nPaste into a second terminal, in this folder:\n%s\n", dataDir, here(addr))
}

// here is the session for this run: its addresses, and its certificates if it
// has any, of the one caller who may do all of it.
func here(addr string) string {
	s := strings.ReplaceAll(session, "ADDR", addr)
	if inbox := os.Getenv("INVITATION_INBOX_ADDR"); inbox != "" {
		s = strings.Replace(s, "bin/devserver", "INVITATION_INBOX_ADDR="+inbox+" bin/devserver", 1)
	}
	if dir := os.Getenv("INVITATION_DEV_CERTS"); dir != "" {
		certs := fmt.Sprintf("-cacert %[1]s/ca.pem -cert %[1]s/break-glass.pem -key %[1]s/break-glass-key.pem", dir)
		s = strings.Replace(s, "-plaintext", certs, 1)
	}
	return s
}
