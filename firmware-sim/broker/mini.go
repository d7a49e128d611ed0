package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Bounds of [Mini]; what goes beyond is dropped or disconnected, as the rig
// must not grow without end either.
const (
	maxQueued   = 100_000 // messages waiting for one session
	maxInflight = 64      // QoS 1 deliveries unacknowledged by one client
	maxOutgoing = 200_000 // packets waiting to be written to one connection
	maxSessions = 1000
	// maxPacket is the largest packet taken; a roster import fits.
	maxPacket = 40 << 20
	// connectWait bounds the TLS handshake and the CONNECT packet.
	connectWait = 10 * time.Second
)

// MiniOptions of a [Mini].
type MiniOptions struct {
	TLS   *tls.Config // with client certificates required; nil: the MQTT user name is the identity
	Rules []Rule      // nil: everybody may everything
	// OnPublish sees every publish that was let through, before its PUBACK is
	// sent. It runs with the broker locked: be quick, do not call the broker.
	OnPublish func(identity, topic string, payload []byte)
}

// Mini is a small MQTT 3.1.1 broker in memory: QoS 0 and 1, retained messages,
// last will, persistent sessions, wildcards, rules by identity. It answers what
// the standard says and has named faults.
type Mini struct {
	o     MiniOptions
	tasks sync.WaitGroup

	mu       sync.Mutex
	faults   miniFaults
	stopped  bool
	links    map[*link]struct{}
	raw      map[net.Conn]struct{} // accepted, not yet connected
	sessions map[string]*session
	retained map[string]*packets.PublishPacket
}

type miniFaults struct {
	withhold  bool
	duplicate bool
	swallow   int
	delay     time.Duration
}

// NewMini makes a broker; serve listeners with [Mini.Serve].
func NewMini(o MiniOptions) *Mini {
	return &Mini{
		o: o, links: map[*link]struct{}{}, raw: map[net.Conn]struct{}{},
		sessions: map[string]*session{}, retained: map[string]*packets.PublishPacket{},
	}
}

// Serve accepts connections until ctx ends, then drops all of them and waits
// for its goroutines.
func (m *Mini) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer m.tasks.Wait()
	defer m.dropAll()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		m.tasks.Go(func() { m.connection(c) })
	}
}

// Stop drops every connection and closes new ones at once, until [Mini.Start].
func (m *Mini) Stop() {
	m.mu.Lock()
	m.stopped = true
	m.mu.Unlock()
	m.dropAll()
}

// Start ends [Mini.Stop].
func (m *Mini) Start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = false
}

// Drop cuts every connection once.
func (m *Mini) Drop() { m.dropAll() }

// Forget loses all sessions and retained messages, as a broker without
// persistence does when it is killed. Stop it first.
func (m *Mini) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions = map[string]*session{}
	m.retained = map[string]*packets.PublishPacket{}
}

// Withhold keeps back every PUBACK while on.
func (m *Mini) Withhold(on bool) { m.set(func(f *miniFaults) { f.withhold = on }) }

// Duplicate delivers every QoS 1 message twice while on.
func (m *Mini) Duplicate(on bool) { m.set(func(f *miniFaults) { f.duplicate = on }) }

// Delay makes every packet to a client leave d later.
func (m *Mini) Delay(d time.Duration) { m.set(func(f *miniFaults) { f.delay = d }) }

// Swallow acknowledges the next n publishes and delivers none of them, as a
// broker does that denies by its rules or loses what it acknowledged.
func (m *Mini) Swallow(n int) { m.set(func(f *miniFaults) { f.swallow = n }) }

func (m *Mini) set(change func(*miniFaults)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.faults)
}

// Retained gives the retained message of a topic, nil if there is none.
func (m *Mini) Retained(topic string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.retained[topic]; p != nil {
		return p.Payload
	}
	return nil
}

// Connected is the number of clients.
func (m *Mini) Connected() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.links)
}

// Publish sends a message from nobody, as an attacker inside the broker could.
func (m *Mini) Publish(topic string, qos byte, payload []byte) {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Qos, p.Payload = topic, qos, payload
	m.mu.Lock()
	defer m.mu.Unlock()
	m.route(p)
}

func (m *Mini) dropAll() {
	m.mu.Lock()
	var all []net.Conn
	for c := range m.raw {
		all = append(all, c)
	}
	for l := range m.links {
		all = append(all, l.raw)
	}
	m.mu.Unlock()
	for _, c := range all {
		c.Close()
	}
}

// connection serves one client from its first byte to its last.
func (m *Mini) connection(c net.Conn) {
	defer c.Close()
	if !m.admit(c) {
		return
	}
	l, err := m.handshake(c)
	m.mu.Lock()
	delete(m.raw, c)
	m.mu.Unlock()
	if err != nil {
		return
	}
	m.tasks.Go(l.write)
	m.read(l)
}

func (m *Mini) admit(c net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return false
	}
	m.raw[c] = struct{}{}
	return true
}

// handshake takes the TLS handshake and the CONNECT packet.
func (m *Mini) handshake(c net.Conn) (*link, error) {
	c.SetDeadline(time.Now().Add(connectWait))
	identity := ""
	conn := c
	if m.o.TLS != nil {
		t := tls.Server(c, m.o.TLS)
		if err := t.Handshake(); err != nil {
			return nil, err
		}
		name, err := identityOf(t)
		if err != nil {
			return nil, err
		}
		identity, conn = name, t
	}
	first, err := readPacket(conn)
	if err != nil {
		return nil, err
	}
	p, ok := first.(*packets.ConnectPacket)
	if !ok {
		return nil, errors.New("the first packet is not CONNECT")
	}
	if m.o.TLS == nil {
		identity = p.Username
	}
	ack := packets.NewControlPacket(packets.Connack).(*packets.ConnackPacket)
	if ack.ReturnCode = p.Validate(); ack.ReturnCode != packets.Accepted {
		ack.Write(conn)
		return nil, errors.New("CONNECT refused")
	}
	l := &link{m: m, conn: conn, raw: c, identity: identity, wake: make(chan struct{}, 1), gone: make(chan struct{})}
	l.keepAlive = time.Duration(p.Keepalive) * time.Second * 3 / 2 // §3.1.2.10
	if p.WillFlag {
		w := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
		w.TopicName, w.Payload, w.Qos, w.Retain = p.WillTopic, p.WillMessage, p.WillQos, p.WillRetain
		l.will = w
	}
	c.SetDeadline(time.Time{})
	if !m.attach(l, p, ack) {
		ack.ReturnCode = packets.ErrRefusedIDRejected
		ack.Write(conn)
		return nil, errors.New("client id refused")
	}
	return l, nil
}

// attach binds the connection to its session and queues CONNACK and what waits.
func (m *Mini) attach(l *link, p *packets.ConnectPacket, ack *packets.ConnackPacket) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[p.ClientIdentifier]
	if s != nil && s.identity != l.identity {
		return false // another identity's session: its queue is not for this one
	}
	if s != nil && s.link != nil {
		s.link.end() // §3.1.4: the new connection takes over
		s.link = nil
	}
	if s == nil || p.CleanSession {
		if len(m.sessions) >= maxSessions {
			return false
		}
		s = &session{identity: l.identity, filters: map[string]byte{}}
		m.sessions[p.ClientIdentifier] = s
	} else {
		ack.SessionPresent = true
	}
	s.clean, s.link, l.session, l.clientID = p.CleanSession, l, s, p.ClientIdentifier
	m.links[l] = struct{}{}
	if m.stopped {
		l.end()
	}
	l.send(ack)
	s.resend()
	m.pump(s)
	return true
}

// detach ends a connection; the will is published unless the client said
// goodbye (§3.1.2.5).
func (m *Mini) detach(l *link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.links, l)
	l.end()
	if s := l.session; s.link == l {
		s.link = nil
		if s.clean && m.sessions[l.clientID] == s {
			delete(m.sessions, l.clientID)
		}
	}
	if l.will != nil && (m.o.Rules == nil || allows(m.o.Rules, l.identity, true, l.will.TopicName)) {
		m.keepRetained(l.will)
		m.route(l.will)
	}
}
