package broker

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// session is what a broker remembers of a client between connections. The
// broker's lock guards it.
type session struct {
	identity string
	clean    bool
	filters  map[string]byte // QoS by filter
	link     *link           // nil while offline
	queue    []*packets.PublishPacket
	inflight []*packets.PublishPacket // sent at QoS 1, not acknowledged
	lastID   uint16
}

// resend repeats, after a reconnection, what was not acknowledged (§4.4).
func (s *session) resend() {
	for _, p := range s.inflight {
		again := *p
		again.Dup = true
		s.link.send(&again)
	}
}

func (s *session) acknowledged(id uint16) {
	s.inflight = slices.DeleteFunc(s.inflight, func(p *packets.PublishPacket) bool { return p.MessageID == id })
}

// nextID gives a packet id that is not in flight; there are fewer in flight
// than ids.
func (s *session) nextID() uint16 {
	for {
		s.lastID++
		used := slices.ContainsFunc(s.inflight, func(p *packets.PublishPacket) bool { return p.MessageID == s.lastID })
		if s.lastID != 0 && !used {
			return s.lastID
		}
	}
}

// pump sends what waits, as far as the client's window allows; m.mu is held.
func (m *Mini) pump(s *session) {
	for s.link != nil && len(s.queue) > 0 && len(s.inflight) < maxInflight {
		p := s.queue[0]
		s.queue = s.queue[1:]
		p.MessageID = s.nextID()
		s.inflight = append(s.inflight, p)
		// A copy: writing a packet fills in its header, and this one may have to
		// be sent again on another connection meanwhile.
		first := *p
		s.link.send(&first)
		if m.faults.duplicate {
			again := *p
			again.Dup = true
			s.link.send(&again)
		}
	}
}

// route delivers a message to every session that wants it; m.mu is held.
func (m *Mini) route(p *packets.PublishPacket) {
	for _, s := range m.sessions {
		if qos, ok := s.wants(p.TopicName); ok {
			m.deliver(s, p, min(qos, p.Qos), false)
		}
	}
}

func (s *session) wants(topic string) (qos byte, ok bool) {
	for f, q := range s.filters {
		if matches(f, topic) {
			qos, ok = max(qos, q), true
		}
	}
	return qos, ok
}

func (m *Mini) deliver(s *session, p *packets.PublishPacket, qos byte, retain bool) {
	out := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	out.TopicName, out.Payload, out.Qos, out.Retain = p.TopicName, p.Payload, qos, retain
	switch {
	case qos == 0 && s.link != nil:
		s.link.send(out)
	case qos > 0 && len(s.queue) < maxQueued:
		s.queue = append(s.queue, out)
		m.pump(s)
	}
}

func (m *Mini) keepRetained(p *packets.PublishPacket) {
	switch {
	case !p.Retain:
	case len(p.Payload) == 0:
		delete(m.retained, p.TopicName) // §3.3.1.3
	default:
		m.retained[p.TopicName] = p
	}
}

// link is one connection. Its queue is unbounded by the client's reading up to
// maxOutgoing packets, so that no client holds up the broker.
type link struct {
	m         *Mini
	conn      net.Conn // with TLS
	raw       net.Conn // without: closing it never waits for a TLS alert
	identity  string
	clientID  string
	session   *session
	will      *packets.PublishPacket
	keepAlive time.Duration

	wake chan struct{}
	gone chan struct{}
	once sync.Once

	mu    sync.Mutex
	queue []outgoing
}

type outgoing struct {
	at time.Time
	p  packets.ControlPacket
}

// send queues a packet; it never waits. m.mu is held.
func (l *link) send(p packets.ControlPacket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) >= maxOutgoing {
		l.end()
		return
	}
	l.queue = append(l.queue, outgoing{time.Now().Add(l.m.faults.delay), p})
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *link) end() {
	l.once.Do(func() {
		close(l.gone)
		l.raw.Close()
	})
}

func (l *link) write() {
	for {
		l.mu.Lock()
		batch := l.queue
		l.queue = nil
		l.mu.Unlock()
		for _, o := range batch {
			if !l.until(o.at) || o.p.Write(l.conn) != nil {
				l.end()
				return
			}
		}
		if len(batch) > 0 {
			continue
		}
		select {
		case <-l.wake:
		case <-l.gone:
			return
		}
	}
}

func (l *link) until(at time.Time) bool {
	wait := time.Until(at)
	if wait <= 0 {
		return true
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.gone:
		return false
	}
}

// read takes a client's packets until it goes.
func (m *Mini) read(l *link) {
	defer m.detach(l)
	for {
		if l.keepAlive > 0 {
			l.raw.SetReadDeadline(time.Now().Add(l.keepAlive))
		}
		p, err := readPacket(l.conn)
		if err != nil {
			return
		}
		m.mu.Lock()
		ok := m.packet(l, p)
		m.mu.Unlock()
		if !ok {
			return
		}
	}
}

// packet answers one packet; false ends the connection. m.mu is held.
func (m *Mini) packet(l *link, p packets.ControlPacket) bool {
	switch p := p.(type) {
	case *packets.PublishPacket:
		return m.published(l, p)
	case *packets.PubackPacket:
		l.session.acknowledged(p.MessageID)
		m.pump(l.session)
	case *packets.SubscribePacket:
		m.subscribed(l, p)
	case *packets.UnsubscribePacket:
		for _, f := range p.Topics {
			delete(l.session.filters, f)
		}
		ack := packets.NewControlPacket(packets.Unsuback).(*packets.UnsubackPacket)
		ack.MessageID = p.MessageID
		l.send(ack)
	case *packets.PingreqPacket:
		l.send(packets.NewControlPacket(packets.Pingresp))
	case *packets.DisconnectPacket:
		l.will = nil
		return false
	default:
		return false // QoS 2 and what only a server sends
	}
	return true
}

func (m *Mini) published(l *link, p *packets.PublishPacket) bool {
	if p.Qos > 1 || p.TopicName == "" || bytes.ContainsAny([]byte(p.TopicName), "+#\x00") {
		return false
	}
	if m.o.Rules == nil || allows(m.o.Rules, l.identity, true, p.TopicName) {
		switch {
		case m.faults.swallow > 0:
			m.faults.swallow--
		default:
			if m.o.OnPublish != nil {
				m.o.OnPublish(l.identity, p.TopicName, p.Payload)
			}
			m.keepRetained(p)
			m.route(p)
		}
	}
	// A denied publish is acknowledged all the same: 3.1.1 has no other answer
	// that keeps the connection (§3.3.5).
	if p.Qos == 1 && !m.faults.withhold {
		ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
		ack.MessageID = p.MessageID
		l.send(ack)
	}
	return true
}

func (m *Mini) subscribed(l *link, p *packets.SubscribePacket) {
	ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
	ack.MessageID = p.MessageID
	var fresh []string
	for i, f := range p.Topics {
		qos := min(p.Qoss[i], 1)
		if !validFilter(f) || (m.o.Rules != nil && !allows(m.o.Rules, l.identity, false, f)) {
			ack.ReturnCodes = append(ack.ReturnCodes, 0x80)
			continue
		}
		l.session.filters[f] = qos
		ack.ReturnCodes = append(ack.ReturnCodes, qos)
		fresh = append(fresh, f)
	}
	l.send(ack)
	for topic, r := range m.retained {
		if slices.ContainsFunc(fresh, func(f string) bool { return matches(f, topic) }) {
			qos, _ := l.session.wants(topic)
			m.deliver(l.session, r, min(qos, r.Qos), true)
		}
	}
}

// readPacket is packets.ReadPacket with a bound on the size that a client may
// announce.
func readPacket(r io.Reader) (packets.ControlPacket, error) {
	head := make([]byte, 1, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size, shift := 0, 0
	for {
		var b [1]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, err
		}
		head = append(head, b[0])
		size |= int(b[0]&0x7f) << shift
		if shift += 7; b[0] < 0x80 {
			break
		} else if shift > 21 {
			return nil, errors.New("the remaining length has more than four bytes")
		}
	}
	if size > maxPacket {
		return nil, errors.New("packet too large")
	}
	return packets.ReadPacket(io.MultiReader(bytes.NewReader(head), io.LimitReader(r, int64(size))))
}
