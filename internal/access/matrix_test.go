package access_test

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/kiwi-ki/invitations/pkg/kiwi/invitation/v1"
)

// allowed is who may call each method under the default policy. "other" stands
// for everybody else who has an identity.
var allowed = map[string]string{
	"/kiwi.invitation.v1.InvitationService/Send":               "portal glass",
	"/kiwi.invitation.v1.InvitationService/Renew":              "portal glass",
	"/kiwi.invitation.v1.InvitationService/Revoke":             "portal glass",
	"/kiwi.invitation.v1.InvitationService/GenerateQR":         "portal glass",
	"/kiwi.invitation.v1.InvitationService/GenerateInfoSheets": "portal glass",
	"/kiwi.invitation.v1.InvitationService/UpdateEmail":        "portal glass",
	"/kiwi.invitation.v1.InvitationService/ResetActivation":    "portal glass",
	"/kiwi.invitation.v1.InvitationService/GetInvitation":      "portal ops glass",
	"/kiwi.invitation.v1.InvitationService/ListInvitations":    "portal ops glass",
	"/kiwi.invitation.v1.InvitationService/ListEvents":         "portal ops glass",
	"/kiwi.invitation.v1.InvitationService/BatchSend":          "portal glass",
	"/kiwi.invitation.v1.InvitationService/WatchEvents":        "portal ops glass",

	"/kiwi.invitation.v1.UserService/CreateUser":       "portal glass",
	"/kiwi.invitation.v1.UserService/GetUser":          "portal ops glass",
	"/kiwi.invitation.v1.UserService/DeactivateUser":   "portal glass",
	"/kiwi.invitation.v1.UserService/EraseUser":        "portal glass",
	"/kiwi.invitation.v1.UserService/ReactivateUser":   "portal glass",
	"/kiwi.invitation.v1.UserService/UpdateUser":       "portal glass",
	"/kiwi.invitation.v1.UserService/ListUsers":        "portal ops glass",
	"/kiwi.invitation.v1.UserService/BatchCreateUsers": "portal glass",

	"/kiwi.invitation.v1.OrganizationService/GetOrganization":    "portal ops glass",
	"/kiwi.invitation.v1.OrganizationService/UpdateOrganization": "portal glass",

	"/kiwi.invitation.v1.RedemptionService/Preview":      "app glass",
	"/kiwi.invitation.v1.RedemptionService/Redeem":       "app glass",
	"/kiwi.invitation.v1.RedemptionService/ConfirmEmail": "app glass",

	"/kiwi.invitation.v1.OperationsService/GetStatus":      "ops glass",
	"/kiwi.invitation.v1.OperationsService/ListDeliveries": "ops glass",
	"/kiwi.invitation.v1.OperationsService/FindUser":       "ops glass",
	"/kiwi.invitation.v1.OperationsService/SendAgain":      "glass",
	"/kiwi.invitation.v1.OperationsService/RevokeAll":      "glass",
	"/kiwi.invitation.v1.OperationsService/ExportUser":     "ops glass",
	"/kiwi.invitation.v1.OperationsService/PauseDelivery":  "glass",
	"/kiwi.invitation.v1.OperationsService/ResumeDelivery": "glass",

	"/grpc.health.v1.Health/Check": "portal app ops glass other",
	"/grpc.health.v1.Health/Watch": "portal app ops glass other",
	"/grpc.health.v1.Health/List":  "portal app ops glass other",

	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      "ops glass",
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": "ops glass",
}

// unserved are methods that there are not. To be told so, one has to be allowed
// to ask.
var unserved = map[string]string{
	"/kiwi.invitation.v1.InvitationService/Destroy": "portal glass",
	"/kiwi.invitation.v1.RedemptionServiceX/Redeem": "",
	"/kiwi.invitation.v1.redemptionservice/Redeem":  "",
	"/grpc.channelz.v1.Channelz/GetServers":         "",
}

// caller is somebody who tries. Role is a word of the tables above, "nobody"
// for those that get a connection but have no identity, or "outside" for those
// that get none, for the reason given.
type caller struct {
	creds    func(w *world) credentials.TransportCredentials
	role     string
	identity string
	refusal  string
}

var callers = map[string]caller{
	"portal": {role: "portal", identity: portal, creds: func(w *world) credentials.TransportCredentials { return w.named(portal) }},
	"app":    {role: "app", identity: app, creds: func(w *world) credentials.TransportCredentials { return w.named(app) }},
	"ops":    {role: "ops", identity: ops, creds: func(w *world) credentials.TransportCredentials { return w.named(ops) }},
	"glass":  {role: "glass", identity: glass, creds: func(w *world) credentials.TransportCredentials { return w.named(glass) }},

	"another URI": {role: "other", identity: "spiffe://kiwi.ki/portal/x", creds: issued(uri("spiffe://kiwi.ki/portal/x"))},
	"other case":  {role: "other", identity: "spiffe://kiwi.ki/Portal", creds: issued(uri("spiffe://kiwi.ki/Portal"))},
	"other trust domain": {
		role: "other", identity: "spiffe://kiwi.example/ops", creds: issued(uri("spiffe://kiwi.example/ops")),
	},
	"DNS SAN only":            {role: "other", identity: "ops.kiwi.ki", creds: issued(dns("ops.kiwi.ki"))},
	"right CN, wrong URI SAN": {role: "other", identity: "spiffe://kiwi.ki/other", creds: issued(cn(ops), uri("spiffe://kiwi.ki/other"))},
	"right DNS, wrong URI SAN": {
		role: "other", identity: "spiffe://kiwi.ki/other", creds: issued(dns(ops), uri("spiffe://kiwi.ki/other")),
	},

	"right CN, no SAN":          {role: "nobody", creds: issued(cn(ops))},
	"no name at all":            {role: "nobody", creds: issued()},
	"two URI SANs":              {role: "nobody", creds: issued(uri(portal, ops))},
	"two URI SANs, one DNS SAN": {role: "nobody", creds: issued(uri(portal, ops), dns("ops.kiwi.ki"))},
	"two DNS SANs":              {role: "nobody", creds: issued(dns("a.kiwi.ki", "b.kiwi.ki"))},
	"URI as DNS SAN":            {role: "nobody", creds: issued(dns(ops))},
	"e-mail and IP SANs":        {role: "nobody", creds: issued(func(c *x509.Certificate) { c.EmailAddresses, c.IPAddresses = []string{"ops@kiwi.ki"}, loopback })},
	"URI as organization":       {role: "nobody", creds: issued(func(c *x509.Certificate) { c.Subject = pkix.Name{Organization: []string{ops}} })},

	"unknown CA": {role: "outside", refusal: "unknown authority", creds: func(w *world) credentials.TransportCredentials {
		// Of the same name and with the same serial numbers, but another key.
		return w.as(newAuthority(w.t).client(w.t, uri(ops)))
	}},
	"signed by itself": {role: "outside", refusal: "unknown authority", creds: func(w *world) credentials.TransportCredentials {
		key := newKey(w.t)
		c := sign(w.t, key, nil, uri(ops))
		return w.as(tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c})
	}},
	"signed by a caller": {role: "outside", refusal: "parent certificate cannot sign", creds: func(w *world) credentials.TransportCredentials {
		caller := w.ca.client(w.t, uri(portal), func(c *x509.Certificate) { c.SubjectKeyId = []byte{1} })
		forged := (&authority{cert: caller.Leaf, key: caller.PrivateKey.(crypto.Signer)}).client(w.t, uri(ops))
		forged.Certificate = append(forged.Certificate, caller.Certificate...)
		return w.as(forged)
	}},
	"the server's certificate": {role: "outside", refusal: "incompatible key usage", creds: func(w *world) credentials.TransportCredentials {
		return w.as(w.ca.server(w.t, uri(ops)))
	}},
	"expired": {role: "outside", refusal: "expired", creds: issued(uri(ops), valid(-time.Hour, -time.Minute))},
	"not yet valid": {
		role: "outside", refusal: "not yet valid", creds: issued(uri(ops), valid(time.Minute, time.Hour)),
	},
	"no certificate": {role: "outside", refusal: "didn't provide a certificate", creds: func(w *world) credentials.TransportCredentials {
		return credentials.NewTLS(&tls.Config{RootCAs: w.ca.pool()})
	}},
	"TLS 1.2 only": {role: "outside", refusal: "unsupported versions", creds: func(w *world) credentials.TransportCredentials {
		return w.as(w.ca.client(w.t, uri(ops)), func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })
	}},
	"plaintext": {role: "outside", refusal: "does not look like a TLS handshake", creds: func(*world) credentials.TransportCredentials {
		return insecure.NewCredentials()
	}},
}

var loopback = []net.IP{net.IPv4(127, 0, 0, 1)}

// issued is a caller with a certificate of the CA.
func issued(edits ...edit) func(*world) credentials.TransportCredentials {
	return func(w *world) credentials.TransportCredentials { return w.as(w.ca.client(w.t, edits...)) }
}

// TestEveryMethodHasARow holds the table to the server and to the API.
func TestEveryMethodHasARow(t *testing.T) {
	t.Parallel()
	served := map[string]bool{}
	for service, info := range newWorld(t).grpc.GetServiceInfo() {
		for _, method := range info.Methods {
			served["/"+service+"/"+method.Name] = true
		}
	}
	for _, file := range []protoreflect.FileDescriptor{
		pb.File_kiwi_invitation_v1_invitation_service_proto,
		pb.File_kiwi_invitation_v1_user_service_proto,
		pb.File_kiwi_invitation_v1_organization_service_proto,
		pb.File_kiwi_invitation_v1_operations_service_proto,
		pb.File_kiwi_invitation_v1_redemption_service_proto,
	} {
		service := file.Services().Get(0)
		for i := range service.Methods().Len() {
			if method := "/" + string(service.FullName()) + "/" + string(service.Methods().Get(i).Name()); !served[method] {
				t.Errorf("the server does not serve %s", method)
			}
		}
	}
	for method := range served {
		if allowed[method] == "" {
			t.Errorf("%s has no row that says who may call it", method)
		}
	}
	for method := range allowed {
		if !served[method] {
			t.Errorf("there is a row for %s, which the server does not serve", method)
		}
	}
}

// TestEveryCallerAndMethod tries all methods as all callers.
func TestEveryCallerAndMethod(t *testing.T) {
	t.Parallel()
	for name, caller := range callers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			creds := caller.creds(w)
			for method, roles := range allowed {
				if got := caller.try(w, creds, method, roles, codes.OK); got != "" && got != caller.identity {
					t.Errorf("%s: the caller is %q, want %q", method, got, caller.identity)
				}
			}
			for method, roles := range unserved {
				caller.try(w, creds, method, roles, codes.Unimplemented)
			}
		})
	}
}

// try calls a method over a connection of its own and expects the code if the
// caller has one of the roles.
func (c caller) try(w *world, creds credentials.TransportCredentials, method, roles string, code codes.Code) (identity string) {
	w.t.Helper()
	conn := w.dial(creds)
	identity, err := call(w.t.Context(), conn, method)
	switch {
	case c.role == "outside":
		code = codes.Unavailable
	case c.role == "nobody":
		code = codes.Unauthenticated
	case !slices.Contains(strings.Fields(roles), c.role):
		code = codes.PermissionDenied
	}
	if status.Code(err) != code {
		w.t.Errorf("%s: got %v, want %v", method, err, code)
	} else if c.role == "outside" {
		if cause := <-w.refusals; !strings.Contains(cause.Error(), c.refusal) {
			w.t.Errorf("the handshake failed with %q, want %q", cause, c.refusal)
		}
	}
	must(w.t, conn.Close())
	return identity
}
