// Package client connects to the invitation service.
//
// A [Client] has the methods of the four services that backends call. Beyond those it
//
//   - repeats what the service could not take. A call that changes something
//     carries one request_id in all its attempts, so that it happens once. A call
//     without a deadline is given [Patience], long enough for another server or
//     database to take over; a deadline of the caller's takes its place, be it
//     shorter or longer. Only UNAVAILABLE is repeated: what was refused is told at
//     once, with [Reason], [RetryDelay] and [FieldViolations].
//   - spreads calls over all addresses that the target has, and leaves a server that
//     drains or is gone. It watches the servers' health to that end, for which the
//     access policy has to let it.
//   - follows the audit trail through all that with [Client.Watch].
//   - has the service continue an OpenTelemetry trace that the caller's context is in.
//   - puts the parts of a PDF together with [Client.InfoSheets].
//
// Streams of the generated interfaces, WatchEvents and GenerateInfoSheets, are not
// repeated.
package client
