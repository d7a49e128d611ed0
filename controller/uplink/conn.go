package uplink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// TLSFiles gives a TLS configuration from PEM files, read anew at every call,
// so that a renewed certificate is used at the next connection. The
// certificate's CN must be the door's id: the broker's rules go by it.
func TLSFiles(door, serverName, ca, cert, key string) func() (*tls.Config, error) {
	return func() (*tls.Config, error) {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("cannot read the broker's authority: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cannot read the broker's authority %s: no certificate in it", ca)
		}
		st, err := os.Stat(key)
		if err != nil {
			return nil, fmt.Errorf("cannot read the door's key: %w", err)
		}
		if st.Mode().Perm()&0o077 != 0 {
			return nil, fmt.Errorf("cannot read the door's key %s: others than its owner can reach it (mode %04o)", key, st.Mode().Perm())
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("cannot read the door's certificate: %w", err)
		}
		if cn := pair.Leaf.Subject.CommonName; cn != door {
			return nil, fmt.Errorf("the certificate %s is for %q, not for door %q", cert, cn, door)
		}
		return &tls.Config{
			RootCAs: pool, Certificates: []tls.Certificate{pair}, ServerName: serverName,
		}, nil
	}
}

// dial opens a connection: Host's dial, then TLS 1.3 with the door's own
// certificate. There is no way without.
func (u *Uplink) dial(ctx context.Context) (*guarded, error) {
	ctx, cancel := context.WithTimeout(ctx, u.o.ConnectWait)
	defer cancel()
	cfg, err := u.o.TLS()
	if err != nil {
		return nil, err
	}
	cfg = cfg.Clone()
	cfg.MinVersion = tls.VersionTLS13
	if cfg.InsecureSkipVerify || (len(cfg.Certificates) == 0 && cfg.GetClientCertificate == nil) {
		return nil, errors.New("cannot connect to the broker: TLS without both sides' certificates")
	}
	raw, err := u.o.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the broker: %w", err)
	}
	t := tls.Client(raw, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, fmt.Errorf("cannot connect to the broker: %w", err)
	}
	return &guarded{Conn: t, raw: raw, writeWait: u.o.WriteWait, max: u.o.MaxInbound}, nil
}

// guarded is a connection that protects its reader and its writers: a broker
// may neither announce a packet larger than max, which the client would
// allocate at once, nor hold a write for ever.
type guarded struct {
	net.Conn
	raw       net.Conn
	writeWait time.Duration
	max       int

	frame framing // owned by the one reader
}

// hangUp ends every Read and Write at once, without a TLS goodbye that could
// wait itself.
func (g *guarded) hangUp() { g.raw.Close() }

func (g *guarded) Write(p []byte) (int, error) {
	if err := g.SetWriteDeadline(time.Now().Add(g.writeWait)); err != nil {
		return 0, err
	}
	return g.Conn.Write(p)
}

func (g *guarded) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if ferr := g.frame.follow(p[:n], g.max); ferr != nil {
		g.Conn.Close()
		return 0, ferr
	}
	return n, err
}

// framing follows the boundaries of MQTT control packets (MQTT 3.1.1 §2.2).
type framing struct {
	left  int  // of the packet's body
	inLen bool // in the remaining-length field
	size  int
	shift int
}

func (f *framing) follow(b []byte, limit int) error {
	for len(b) > 0 {
		switch {
		case f.left > 0:
			n := min(f.left, len(b))
			f.left -= n
			b = b[n:]
		case !f.inLen:
			*f = framing{inLen: true}
			b = b[1:]
		default:
			if f.shift > 21 {
				return errors.New("the broker sent a remaining length of more than four bytes")
			}
			f.size |= int(b[0]&0x7f) << f.shift
			f.shift += 7
			last := b[0] < 0x80
			b = b[1:]
			if f.size > limit {
				return fmt.Errorf("the broker announced a packet of %d bytes, at most %d", f.size, limit)
			}
			if last {
				*f = framing{left: f.size}
			}
		}
	}
	return nil
}
