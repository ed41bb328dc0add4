package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// session is for pasting into a second terminal; the README shows it too.
const session = `
call() { bin/grpcurl -plaintext -d "$2" ADDR "kiwi.invitation.v1.$1"; }
U=anna-$(date +%s); ID='"organization_id":"demo","user_id":"'$U'"'

call UserService/CreateUser "{$ID,\"type\":\"USER_TYPE_TENANT\",\"display_name\":\"Anna Schmidt\",\"organization_name\":\"Hausverwaltung Müller\",\"invite\":\"INVITE_LATER\"}"
call InvitationService/Send "{$ID,\"target\":\"TARGET_APP\"}"            # EMAIL_REQUIRED
call InvitationService/UpdateEmail "{$ID,\"email\":\"$U@example.com\",\"follow_up\":\"FOLLOW_UP_SEND_NOW\",\"target\":\"TARGET_APP\"}"
TOKEN=$(bin/devserver token "$U@example.com")                          # out of the mail in the inbox
call RedemptionService/Preview "{\"token\":\"$TOKEN\"}"                  # as often as you like
call RedemptionService/Redeem "{\"token\":\"$TOKEN\"}"                   # once: online, address confirmed
call InvitationService/UpdateEmail "{$ID,\"email\":\"x@example.com\",\"follow_up\":\"FOLLOW_UP_LATER\"}"   # EMAIL_CONFIRMED

U=karl-$(date +%s); ID='"organization_id":"demo","user_id":"'$U'"'     # nobody knows his address
call UserService/CreateUser "{$ID,\"type\":\"USER_TYPE_TENANT\",\"display_name\":\"Karl Krause\",\"invite\":\"INVITE_LATER\"}"
call InvitationService/GenerateQR "{$ID,\"target\":\"TARGET_APP\"}" | sed -n 's/.*"image": "\(.*\)".*/\1/p' | base64 -d > qr.png
call InvitationService/ListEvents '{"organization_id":"demo"}'
`

func welcome(out io.Writer, env settings, inbox string) {
	addr := env.get("INVITATION_GRPC_ADDR")
	fmt.Fprintf(out, "\nKIWI Invitations is running; Ctrl-C stops it.\n\n  gRPC    %s (reflection and health)\n", addr)
	if inbox != "" {
		fmt.Fprintf(out, "  Inbox   %s (mail to bounce+x@…, defer+x@…, drop+x@…, spam+x@… or slow+x@… fares so)\n", inbox)
	}
	fmt.Fprintf(out, "  Log     %s/invitationd.log\n\nPaste into a second terminal, in this folder:\n%s\n",
		dataDir, strings.ReplaceAll(withCerts(session), "ADDR", addr))
}

// withCerts has the session's calls prove who makes them.
func withCerts(session string) string {
	dir := os.Getenv("INVITATION_DEV_CERTS")
	if dir == "" {
		return session
	}
	return strings.Replace(session, "-plaintext",
		fmt.Sprintf("-cacert %[1]s/ca.pem -cert %[1]s/ops.pem -key %[1]s/ops-key.pem", dir), 1)
}
