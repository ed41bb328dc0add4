package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// healthPatience is how long a server may take to say how it is.
const healthPatience = 3 * time.Second

// checkHealth asks the server of the same configuration how it is, and returns an
// error unless it serves. Probes of Kubernetes have no certificate; this has the
// server's own, which so needs the usage "client auth" too.
func checkHealth(ctx context.Context, name string, environ []string) error {
	c, err := readConfig(environ)
	if err != nil {
		return err
	}
	own, err := c.ownCredentials()
	if err != nil {
		return err
	}
	addr, err := c.ownAddr()
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(own))
	if err != nil {
		return fmt.Errorf("connect to the server: %w", err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	is, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: name})
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	if is.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("the server is %s", is.GetStatus())
	}
	return nil
}

// ownAddr is where this machine finds the server.
func (c config) ownAddr() (string, error) {
	host, port, err := net.SplitHostPort(c.GRPCAddr)
	if err != nil {
		return "", fmt.Errorf("read INVITATION_GRPC_ADDR: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "passthrough:///" + net.JoinHostPort(host, port), nil
}

// ownCredentials trust nobody but the server's own certificate.
func (c config) ownCredentials() (credentials.TransportCredentials, error) {
	if c.TLSCert == "" {
		return insecure.NewCredentials(), nil
	}
	own, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("read INVITATION_TLS_CERT: %w", err)
	}
	text, err := os.ReadFile(c.TLSCert)
	if err != nil {
		return nil, fmt.Errorf("read INVITATION_TLS_CERT: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	if len(own.Leaf.DNSNames) == 0 {
		return nil, errors.New("the server's certificate has no DNS name")
	}
	return credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{own}, RootCAs: roots, ServerName: own.Leaf.DNSNames[0], MinVersion: tls.VersionTLS13,
	}), nil
}
