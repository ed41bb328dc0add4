// Package tracing tells an OpenTelemetry collector where the time of a call went:
// the call, the groups of the database that it was in, the statements beside them,
// the job that mails, and the request to SendGrid, all under one trace id.
//
// It is off unless the environment names an OTLP endpoint. All that it is told by
// the environment are OpenTelemetry's standard variables, which its SDK reads.
//
// A trace begins with a call, or before it at the caller, and everything else is
// only looked at below a span that is exported: where one call in a hundred is
// sampled, the others cost a look. A span holds methods, codes, reasons, counts and
// outcomes. Nothing of a request, no statement and no error's text is in one. Of what
// a caller sends along only the ids of its span are read: the rest of its trace
// context is anybody's words.
package tracing
