package pgserver

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

var errPortTaken = errors.New("port is taken")

// freePort stays below the ports that systems give to outgoing connections. A
// client that reconnects to a stopped server could otherwise be given the
// server's own port, connect to itself, and keep the server from coming back.
func freePort() (int, error) {
	const first, last = 20000, 29999
	for range 100 {
		if port := first + rand.IntN(last-first+1); portFree(port) {
			return port, nil
		}
	}
	return 0, errors.New("no free port found")
}

func portFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}
