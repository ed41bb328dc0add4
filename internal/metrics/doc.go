// Package metrics tells Prometheus what the service does and how it is.
//
// What happens is counted where it happens: Metrics has a method for each kind.
// How things are, such as how many mails wait, is looked up when Prometheus asks
// (state.go). Labels have few values and none of them is anybody's: methods, codes,
// reasons, words of the API. Organizations, users, addresses and tokens are in no
// label.
package metrics
