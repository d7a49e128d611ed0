package uplink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const (
	// look is how often a session looks at its timers: stalls, expired
	// requests, checkpoints, the cursor's next commit.
	look = 250 * time.Millisecond
	// goodbye bounds an orderly end.
	goodbye = time.Second
	// subscribeDenied is the return code of SUBACK for a refused filter
	// (MQTT 3.1.1 §3.9.3); only the token's result shows it.
	subscribeDenied = 0x80
)

// session is one connection, from dial to loss. One goroutine owns it and does
// all publishing.
type session struct {
	u      *Uplink
	client mqtt.Client
	store  *pubacks
	lost   chan struct{} // closed when the client has lost its connection and ended its goroutines
	why    error         // set before lost is closed
	up     bool
	// unwatch stops hanging up when ctx ends. Set by the client's goroutine
	// before the connect token completes.
	unwatch func() bool

	saved      uint64 // the cursor as the ledger has it
	unsaved    time.Time
	checkpoint []byte // the newest that was published
	quiet      time.Time
}

// session connects and serves until the connection is lost or ctx ends.
func (u *Uplink) session(ctx context.Context) error {
	s := &session{u: u, lost: make(chan struct{})}
	s.store = newPubacks(u.puback)
	u.mu.Lock()
	u.out.connected()
	s.saved = u.out.acked
	u.newState = true
	u.mu.Unlock()
	err := s.connect(ctx)
	if err == nil {
		err = s.serve(ctx)
	}
	s.end(err)
	return err
}

// puback is called by the client's goroutine.
func (u *Uplink) puback(t tag) {
	u.mu.Lock()
	switch t.kind {
	case topicEvents:
		u.out.delivered(t.seq, time.Now())
	case topicRequests:
		if _, ok := u.pending[t.id]; ok {
			delete(u.pending, t.id)
			u.notes.requested(t.id, nil)
		}
	}
	u.mu.Unlock()
	u.poke()
}

func (s *session) options(ctx context.Context) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions()
	o.AddBroker("tls://broker") // names nothing: dial knows where
	o.SetClientID("sekimori-" + s.u.o.Door)
	o.SetProtocolVersion(4)    // else every failed connect is tried again as MQTT 3.1
	o.SetCleanSession(false)   // orders wait at the broker while the link is down
	o.SetAutoReconnect(false)  // a new connection gets a new client
	o.SetConnectRetry(false)   //
	o.SetOrderMatters(true)    // handlers never wait
	o.SetAutoAckDisabled(true) // an order is acknowledged once it is durable
	o.SetStore(s.store)
	o.SetKeepAlive(s.u.o.KeepAlive)
	o.SetPingTimeout(s.u.o.KeepAlive)
	o.SetConnectTimeout(s.u.o.ConnectWait)
	o.SetWriteTimeout(s.u.o.WriteWait)
	offline, _ := json.Marshal(State{Door: s.u.o.Door})
	o.SetBinaryWill(topic(s.u.o.Door, topicState), offline, 1, true)
	o.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
		conn, err := s.u.dial(ctx)
		if err != nil {
			return nil, err
		}
		s.unwatch = context.AfterFunc(ctx, func() { conn.hangUp() })
		return conn, nil
	})
	// One handler for everything, set before connecting: a persistent session
	// may deliver before the first subscription is answered.
	o.SetDefaultPublishHandler(s.u.receive)
	var once sync.Once
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) {
		once.Do(func() {
			s.why = err
			close(s.lost)
		})
	})
	return o
}

// connect returns once the door is connected, subscribed and has said that it
// is there.
func (s *session) connect(ctx context.Context) error {
	s.client = mqtt.NewClient(s.options(ctx))
	t := s.client.Connect()
	<-t.Done() // bounded by ConnectWait twice, and by ctx
	if s.unwatch != nil {
		s.unwatch() // from here on an end is orderly
	}
	if err := t.Error(); err != nil {
		return fmt.Errorf("cannot connect to the broker: %w", err)
	}
	door := s.u.o.Door
	sub := s.client.SubscribeMultiple(map[string]byte{
		topic(door, topicOrders): 1, topic(door, topicReplay): 1, topic(door, topicAcks): 0,
	}, nil).(*mqtt.SubscribeToken)
	wait := time.NewTimer(s.u.o.ConnectWait)
	defer wait.Stop()
	select {
	case <-sub.Done():
	case <-s.lost:
		return s.loss()
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return errors.New("the broker does not answer the subscription")
	}
	if err := sub.Error(); err != nil {
		return fmt.Errorf("cannot subscribe: %w", err)
	}
	for filter, code := range sub.Result() {
		if code == subscribeDenied {
			return fmt.Errorf("cannot subscribe: the broker denies %s to this door", filter)
		}
	}
	s.link(true, "")
	return nil
}

func (s *session) loss() error { return fmt.Errorf("connection to the broker lost: %w", s.why) }

func (s *session) link(up bool, reason string) {
	s.u.mu.Lock()
	s.u.up, s.up = up, up
	s.u.mu.Unlock()
	s.u.notes.linked(up, reason)
}

// serve publishes what there is until the connection is lost.
func (s *session) serve(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		changed := s.u.o.Ledger.Changed() // before looking at the ledger
		more, err := s.publishAll(ctx)
		if err != nil {
			return err
		}
		if more {
			changed = done // come back at once, but look at the rest first
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.lost:
			return s.loss()
		case <-changed:
		case <-s.u.wake:
		case <-tick.C:
			if err := s.look(ctx); err != nil {
				return err
			}
		}
		if s.u.orders.shed() {
			return errors.New("orders came faster than they could be stored; the broker shall send them again")
		}
	}
}

var done = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// publishAll sends state, requests and one batch of events; more says that
// there is another batch and room for it.
func (s *session) publishAll(ctx context.Context) (more bool, err error) {
	if err := s.publishState(); err != nil {
		return false, err
	}
	if err := s.publishRequests(); err != nil {
		return false, err
	}
	return s.publishEvents(ctx)
}

func (s *session) publishState() error {
	s.u.mu.Lock()
	state, due := s.u.state, s.u.newState
	s.u.newState = false
	s.u.mu.Unlock()
	if !due {
		return nil
	}
	state.Online = true
	return s.publishJSON(tag{kind: topicState}, true, state)
}

func (s *session) publishEvents(ctx context.Context) (more bool, err error) {
	if time.Now().Before(s.quiet) {
		return false, nil // the ledger just failed
	}
	unacknowledged, _ := s.store.outstanding()
	last := s.u.o.Ledger.Last()
	s.u.mu.Lock()
	from, n := s.u.out.room(last, unacknowledged)
	s.u.mu.Unlock()
	if n == 0 {
		return false, nil
	}
	events, err := s.u.o.Ledger.Events(ctx, from, n)
	if err != nil || len(events) == 0 || events[0].Seq != from {
		// The link is not to blame and other topics still work.
		s.u.o.Log.Error("uplink: cannot read the ledger", "from", from, "events", len(events), "err", err)
		s.quiet = time.Now().Add(time.Second)
		return false, nil
	}
	for i, e := range events {
		if e.Seq != from+uint64(i) {
			break // never a gap: look again
		}
		body := e.Body
		if body == nil {
			body, _ = json.Marshal(forgotten{e.Seq, true})
		}
		if !s.stillNext(e.Seq) {
			break
		}
		if err := s.publish(tag{kind: topicEvents, seq: e.Seq}, false, body); err != nil {
			return false, err
		}
	}
	return true, nil
}

// stillNext notes that the event goes out now, unless a replay or an
// acknowledgement moved the place meanwhile. It is noted before the publish,
// because the acknowledgement can be faster than the call's return.
func (s *session) stillNext(seq uint64) bool {
	s.u.mu.Lock()
	defer s.u.mu.Unlock()
	if s.u.out.next != seq {
		return false
	}
	s.u.out.sent(seq, time.Now())
	return true
}

func (s *session) publishJSON(t tag, retained bool, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cannot publish %s: %w", t.kind, err)
	}
	return s.publish(t, retained, b)
}

// publish hands a message to the client at QoS 1. Its token is not waited for:
// it would prove nothing. An error means that the connection is of no use.
func (s *session) publish(t tag, retained bool, body []byte) error {
	t.at = time.Now()
	s.store.label(t)
	token := s.client.Publish(topic(s.u.o.Door, t.kind), 1, retained, body)
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return fmt.Errorf("cannot publish %s: %w", t.kind, err)
		}
	default:
	}
	return nil
}

// look does what goes by time.
func (s *session) look(ctx context.Context) error {
	now := time.Now()
	if _, oldest := s.store.outstanding(); !oldest.IsZero() && now.Sub(oldest) > s.u.o.PubackWait {
		return errors.New("the broker does not acknowledge what it gets")
	}
	s.u.mu.Lock()
	if s.u.out.tick(now) {
		s.u.o.Log.Info("uplink: no progress, sending again", "from", s.u.out.next)
	}
	s.u.expire(now)
	s.u.mu.Unlock()
	s.saveCursor(ctx, now, false)
	return s.publishCheckpoint(ctx, now)
}

// saveCursor commits the cursor's move, not more than four times a second: it
// is a durable commit, and what is lost of it is only sent again.
func (s *session) saveCursor(ctx context.Context, now time.Time, final bool) {
	acked := s.u.Cursor()
	if acked == s.saved || (now.Before(s.unsaved) && !final) {
		return
	}
	if err := s.u.o.Ledger.SetCursor(ctx, s.u.o.Collector, acked); err != nil {
		s.u.o.Log.Error("uplink: cannot keep the cursor", "err", err)
		s.unsaved = now.Add(time.Second)
		return
	}
	s.saved = acked
}

func (s *session) publishCheckpoint(ctx context.Context, now time.Time) error {
	note, _, err := s.u.o.Ledger.Checkpoint(ctx, now)
	if err != nil {
		s.u.o.Log.Error("uplink: cannot make a checkpoint", "err", err)
		return nil
	}
	if len(note) == 0 || string(note) == string(s.checkpoint) {
		return nil
	}
	s.checkpoint = note
	return s.publish(tag{kind: topicCheckpoints}, true, note)
}

// end leaves the broker. On an orderly end the door says itself that it goes;
// after a loss the last will has done so.
func (s *session) end(err error) {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	if s.up {
		s.saveCursor(ctx, time.Now(), true)
		if errors.Is(err, context.Canceled) {
			s.farewell(ctx)
		}
		s.link(false, err.Error())
	}
	s.u.failRequests()
	if s.client != nil {
		// Also after a loss: it ends what a loss at the wrong moment left.
		s.client.Disconnect(uint(goodbye.Milliseconds()))
	}
}

func (s *session) farewell(ctx context.Context) {
	if s.publishJSON(tag{kind: topicState}, true, State{Door: s.u.o.Door}) != nil {
		return
	}
	for {
		if _, oldest := s.store.outstanding(); oldest.IsZero() {
			return
		}
		select {
		case <-s.u.wake:
		case <-s.lost:
			return
		case <-ctx.Done():
			return
		}
	}
}
