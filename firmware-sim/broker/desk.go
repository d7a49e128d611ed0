package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// DeskConfig of [RunDesk].
type DeskConfig struct {
	Addr  string // host:port to listen on; port 0 picks a free one
	Store string // directory of its messages; they survive a kill
	TLS   *tls.Config
	Doors []string // ids of the doors that may connect; [HeadEnd] always may
	// Ready is called once, with the address, when clients may connect.
	Ready func(addr string)
	// AckWait is when an unacknowledged message is delivered again; NATS does
	// so by time, not at a reconnection. Default 2 s.
	AckWait time.Duration
}

const deskStart = 10 * time.Second

// RunDesk runs an embedded NATS server with its MQTT side until ctx ends. Run
// it in a process of its own: its goroutines do not all end, and a broker that
// cannot be killed proves nothing.
//
// The head end must have subscribed once before the first door connects (see
// [Collector.Ready]): JetStream keeps a message only for those who asked.
func RunDesk(ctx context.Context, cfg DeskConfig) error {
	o, err := deskOptions(cfg)
	if err != nil {
		return fmt.Errorf("cannot start desk broker: %w", err)
	}
	s, err := server.NewServer(o)
	if err != nil {
		return fmt.Errorf("cannot start desk broker: %w", err)
	}
	s.Start()
	defer func() {
		s.Shutdown()
		s.WaitForShutdown()
	}()
	if err := awaitMQTT(ctx, s, o); err != nil {
		return fmt.Errorf("cannot start desk broker: %w", err)
	}
	if cfg.Ready != nil {
		cfg.Ready(net.JoinHostPort(o.MQTT.Host, fmt.Sprint(o.MQTT.Port)))
	}
	<-ctx.Done()
	return nil
}

func deskOptions(cfg DeskConfig) (*server.Options, error) {
	addr, err := net.ResolveTCPAddr("tcp", cfg.Addr)
	if err != nil {
		return nil, err
	}
	if addr.Port == 0 {
		// The port must be known to give it out; NATS does not tell it.
		l, err := net.ListenTCP("tcp", addr)
		if err != nil {
			return nil, err
		}
		addr = l.Addr().(*net.TCPAddr)
		l.Close()
	}
	o := &server.Options{
		ServerName: "sekimori-desk", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: cfg.Store, SyncAlways: true,
		MaxPayload: maxPacket, MaxPending: 4 * maxPacket,
		Users: []*server.User{user(HeadEnd)},
	}
	for _, d := range cfg.Doors {
		if d == "" || d == HeadEnd || strings.ContainsAny(d, "./+#*> \t") {
			return nil, fmt.Errorf("door id %q is no topic level", d)
		}
		o.Users = append(o.Users, user(d))
	}
	o.MQTT.Host, o.MQTT.Port = addr.IP.String(), addr.Port
	o.MQTT.TLSConfig, o.MQTT.TLSMap, o.MQTT.TLSTimeout = cfg.TLS, true, 5
	o.MQTT.AckWait = 2 * time.Second
	if cfg.AckWait > 0 {
		o.MQTT.AckWait = cfg.AckWait
	}
	return o, nil
}

// user gives an identity its rights as NATS subjects. NATS maps '/' to '.' and
// '+' to '*'; the patterns hold no '#', whose translation would need two
// subjects.
func user(identity string) *server.User {
	pub, sub := &server.SubjectPermission{}, &server.SubjectPermission{}
	for _, r := range Rules() {
		if r.Identity != "" && r.Identity != identity || r.Identity == "" && identity == HeadEnd {
			continue
		}
		subject := strings.ReplaceAll(r.Pattern, "%u", identity)
		subject = strings.NewReplacer("/", ".", "+", "*").Replace(subject)
		if r.Write {
			pub.Allow = append(pub.Allow, subject)
		} else {
			sub.Allow = append(sub.Allow, subject)
		}
	}
	return &server.User{
		Username:    "CN=" + identity, // the certificate's subject
		Permissions: &server.Permissions{Publish: pub, Subscribe: sub},
	}
}

func awaitMQTT(ctx context.Context, s *server.Server, o *server.Options) error {
	if !s.ReadyForConnections(deskStart) {
		return errors.New("the server did not become ready")
	}
	addr := net.JoinHostPort(o.MQTT.Host, fmt.Sprint(o.MQTT.Port))
	deadline := time.Now().Add(deskStart)
	for {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
