// Package invitationv1 is the API of KIWI Invitations, generated from proto/.
package invitationv1

// ErrorDomain is the domain of every google.rpc.ErrorInfo that the service
// sends; its reason is then the name of an ErrorReason.
const ErrorDomain = "invitation.kiwi.ki"
