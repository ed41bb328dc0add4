package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kiwi-ki/invitations/pkg/client"
)

// connect makes the client of one backend, which proves by its certificate who it
// is.
func connect(service, certs, backend string) (*client.Client, error) {
	if certs == "" {
		return client.New(service, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(certs, backend+".pem"), filepath.Join(certs, backend+"-key.pem"))
	if err != nil {
		return nil, fmt.Errorf("read the certificate of the %s: %w", backend, err)
	}
	ca, err := os.ReadFile(filepath.Join(certs, "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("read the CA's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return client.New(service, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{own}, RootCAs: roots, MinVersion: tls.VersionTLS13,
	})))
}
