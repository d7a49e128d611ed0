package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// life of throw-away certificates. They begin an hour early, so that a rig
// whose clock a story steps back still connects.
const (
	certLife  = 30 * 24 * time.Hour
	certEarly = time.Hour
)

// ServerName is the name in the broker's certificate.
const ServerName = "localhost"

// Authority is a certificate authority that lives as long as its rig. Its key
// stays in memory.
type Authority struct {
	cert *x509.Certificate
	der  []byte
	key  *ecdsa.PrivateKey
}

// NewAuthority makes one.
func NewAuthority() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make authority: %w", err)
	}
	t := template("Sekimori throw-away authority")
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("cannot make authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("cannot make authority: %w", err)
	}
	return &Authority{cert, der, key}, nil
}

func template(cn string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: cn},
		NotBefore: time.Now().Add(-certEarly), NotAfter: time.Now().Add(certLife),
	}
}

// Issue makes a certificate for a client (a door's id, or [HeadEnd]) or, with
// [ServerName], for a broker.
func (a *Authority) Issue(cn string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot issue certificate: %w", err)
	}
	t := template(cn)
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if cn == ServerName {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		t.DNSNames = []string{ServerName}
		t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot issue certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func (a *Authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// Server is the TLS side of a broker: TLS 1.3, client certificates required.
func (a *Authority) Server() (*tls.Config, error) {
	cert, err := a.Issue(ServerName)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool(),
	}, nil
}

// Client is the TLS side of a door or head end.
func (a *Authority) Client(cn string) (*tls.Config, error) {
	cert, err := a.Issue(cn)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert},
		RootCAs: a.pool(), ServerName: ServerName,
	}, nil
}

// Files are the PEM files of one identity.
type Files struct{ CA, Cert, Key string }

// Write issues a certificate into dir (made with mode 0700): ca.pem, CN.pem and
// CN.key.
func (a *Authority) Write(dir, cn string) (Files, error) {
	f := Files{CA: filepath.Join(dir, "ca.pem"), Cert: filepath.Join(dir, cn+".pem"), Key: filepath.Join(dir, cn+".key")}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return f, fmt.Errorf("cannot write certificate: %w", err)
	}
	c, err := a.Issue(cn)
	if err != nil {
		return f, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return f, fmt.Errorf("cannot write certificate: %w", err)
	}
	for _, p := range []struct {
		path, kind string
		der        []byte
	}{{f.CA, "CERTIFICATE", a.der}, {f.Cert, "CERTIFICATE", c.Certificate[0]}, {f.Key, "PRIVATE KEY", key}} {
		b := pem.EncodeToMemory(&pem.Block{Type: p.kind, Bytes: p.der})
		if err := os.WriteFile(p.path, b, 0o600); err != nil {
			return f, fmt.Errorf("cannot write certificate: %w", err)
		}
	}
	return f, nil
}

// ReadClient is [Authority.Client] from the files that [Authority.Write] made.
func ReadClient(f Files) (*tls.Config, error) {
	cert, pool, err := f.read()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert},
		RootCAs: pool, ServerName: ServerName,
	}, nil
}

// ReadServer is [Authority.Server] from the files that [Authority.Write] made
// for [ServerName]: for a broker in a process of its own.
func ReadServer(f Files) (*tls.Config, error) {
	cert, pool, err := f.read()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	}, nil
}

func (f Files) read() (tls.Certificate, *x509.CertPool, error) {
	ca, err := os.ReadFile(f.CA)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("cannot read certificate: %w", err)
	}
	cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("cannot read certificate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return tls.Certificate{}, nil, fmt.Errorf("cannot read certificate %s: no PEM", f.CA)
	}
	return cert, pool, nil
}
