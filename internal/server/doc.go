// Package server is the gRPC API: it converts, calls the domain, and converts
// back. Handlers return the domain's errors; one interceptor and one table turn
// them into statuses.
package server
