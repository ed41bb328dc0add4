// Package server is the gRPC API: it converts, calls the domain, and converts
// back. Handlers return the domain's errors; one interceptor and one table turn
// them into statuses.
//
// A call goes through tap (a deadline, before anything is read), the interceptors
// of intercept.go and intake.go (log, status, access, deadline, message, fields), and
// its handler. meaning.go says when two requests are one, words.go and convert.go
// how the domain reads in the API, status.go what a caller hears of an error.
package server
