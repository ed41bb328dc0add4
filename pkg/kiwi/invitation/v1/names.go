// Package invitationv1 is the API of KIWI Invitations, generated from proto/.
package invitationv1

// ErrorDomain is the domain of every google.rpc.ErrorInfo that the service
// sends; its reason is then the name of an ErrorReason.
const ErrorDomain = "invitation.kiwi.ki"

// The names that grpc.health.v1 knows besides the services' own. The services,
// and the empty name, are as well as HealthWrites.
const (
	// HealthLive is serving until the server drains, whatever the database does.
	// Callers that choose among servers watch it: one server is no better off
	// than another while the database is away, and refuses with RetryInfo.
	HealthLive = "live"
	// HealthReads is serving while the database can be read.
	HealthReads = "reads"
	// HealthWrites is serving while the database takes writes.
	HealthWrites = "writes"
	// HealthDelivery is serving while mails go out, and is not while the mail queue
	// rests because the provider refuses all of them. No server is worse for it.
	HealthDelivery = "delivery"
)
