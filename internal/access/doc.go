// Package access says who may call what.
//
// Callers prove who they are by mutual TLS 1.3, and nothing else: each needs a
// certificate of the client CA, probes of a kubelet or a load balancer too.
// Without one there is no connection, so there is no call to answer.
//
// A caller's identity is its certificate's URI SAN or, if there is none, its DNS
// SAN. There has to be exactly one: of several the policy would match any, and
// the audit trail could name another. The subject names nobody, even where the
// policy does (grpc-go falls back to it). Who has no identity may call nothing,
// health included.
//
// The policy is a file in the format of google.golang.org/grpc/authz, which also
// decides. What no rule allows is denied, unknown methods too. It sees
// identities and methods only: which organization a caller may speak for is not
// its matter.
//
// Certificate and key, CAs, and policy are read again when they change, by
// writing, renaming or the symbolic links of Kubernetes, and count when two looks
// have found the same. What is broken then is logged once and leaves the old in
// force. New connections use new files, new calls a new policy, and a stream is
// asked again before its next message. Connections outlive the certificates that
// they began with, at most by the server's MaxConnectionAge. There are no
// revocation lists: certificates should be short-lived, and a deny rule shuts an
// identity out as soon as the policy is in force.
//
// grpc-go's own watchers (authz.FileWatcherInterceptor, certprovider/pemfile)
// are not used: they report a broken file only to grpc's log, again with every
// look, and the latter prints the key file there.
package access
