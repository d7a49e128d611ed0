package broker

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// CollectorOptions of a [Collector].
type CollectorOptions struct {
	Dial func(ctx context.Context) (net.Conn, error) // without TLS
	TLS  *tls.Config                                 // nil: the MQTT user name is [HeadEnd]
	// Mute keeps it from acknowledging and from asking for replays.
	Mute bool
	// AckEvery is how often it acknowledges, also without news; default 200 ms.
	AckEvery time.Duration
	// Gap is how long it waits for a missing number before it asks for a
	// replay; default 3 s.
	Gap time.Duration
	// Observations bounds the channel of that name; what does not fit is
	// dropped there, never from Events. Default 4096.
	Observations int
	ClientID     string // default [HeadEnd]
}

// Observation is one message as a subscriber sees it.
type Observation struct {
	Door, Kind string // Kind is the last level of the topic
	Seq        uint64 // of an event
	Payload    []byte
	Repeat     bool // an event that was seen before
	Retained   bool
}

// maxAhead bounds the events that wait for an earlier one.
const maxAhead = 4096

// Collector is the head end of a rig. It keeps everything in memory.
type Collector struct {
	o   CollectorOptions
	obs chan Observation

	mu     sync.Mutex
	doors  map[string]*doorLog
	client mqtt.Client
	wake   chan struct{} // closed and replaced when an event is added
}

type doorLog struct {
	events  []json.RawMessage // event i has number i+1
	ahead   map[uint64]json.RawMessage
	repeats int
	stuck   time.Time // since when the next number is missing though a later one is here
	forged  int       // the same number with another body
}

// NewCollector makes a collector; run it with [Collector.Run].
func NewCollector(o CollectorOptions) *Collector {
	if o.AckEvery == 0 {
		o.AckEvery = 200 * time.Millisecond
	}
	if o.Gap == 0 {
		o.Gap = 3 * time.Second
	}
	if o.Observations == 0 {
		o.Observations = 4096
	}
	if o.ClientID == "" {
		o.ClientID = HeadEnd
	}
	return &Collector{
		o: o, obs: make(chan Observation, o.Observations),
		doors: map[string]*doorLog{}, wake: make(chan struct{}),
	}
}

// Observations gives every message in order of arrival, repeats too.
func (c *Collector) Observations() <-chan Observation { return c.obs }

// Events gives a door's events, without gaps or repeats, in order: number n is
// at n-1.
func (c *Collector) Events(door string) []json.RawMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.door(door).events)
}

// Highest is the highest number up to which nothing of the door is missing.
func (c *Collector) Highest(door string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(len(c.door(door).events))
}

// Repeats counts events that arrived again; Forged those that did with another
// body.
func (c *Collector) Repeats(door string) (repeats, forged int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.door(door).repeats, c.door(door).forged
}

// Wait returns once the door's events up to seq are here.
func (c *Collector) Wait(ctx context.Context, door string, seq uint64) error {
	for {
		c.mu.Lock()
		have, wake := uint64(len(c.door(door).events)), c.wake
		c.mu.Unlock()
		if have >= seq {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return fmt.Errorf("event %d of %s did not arrive, only %d: %w", seq, door, have, ctx.Err())
		}
	}
}

// Send publishes to one of a door's topics, for example an order. It waits for
// the broker's acknowledgement; after a lost connection it may not have
// arrived.
func (c *Collector) Send(ctx context.Context, door, kind string, payload []byte) error {
	c.mu.Lock()
	client := c.client
	c.mu.Unlock()
	if client == nil || !client.IsConnectionOpen() {
		return fmt.Errorf("cannot send %s to %s: not connected", kind, door)
	}
	t := client.Publish(Prefix+"/"+door+"/"+kind, 1, false, payload)
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Ready returns once the collector has subscribed; doors may connect then
// without losing a message to a broker that keeps nothing unsubscribed.
func (c *Collector) Ready(ctx context.Context) error {
	for {
		c.mu.Lock()
		ready, wake := c.client != nil, c.wake
		c.mu.Unlock()
		if ready {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return fmt.Errorf("the collector is not ready: %w", ctx.Err())
		}
	}
}

// Run connects again and again until ctx ends.
func (c *Collector) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		c.session(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

// session is one connection from dial to loss.
func (c *Collector) session(ctx context.Context) {
	lost := make(chan struct{})
	var once sync.Once
	o := mqtt.NewClientOptions().AddBroker("tcp://broker").SetClientID(c.o.ClientID).
		SetProtocolVersion(4).SetCleanSession(false).SetAutoReconnect(false).SetOrderMatters(true).
		SetKeepAlive(10 * time.Second).SetPingTimeout(5 * time.Second).
		SetConnectTimeout(5 * time.Second).SetWriteTimeout(5 * time.Second)
	o.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) { return c.dial(ctx) })
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { c.receive(m) })
	o.SetConnectionLostHandler(func(mqtt.Client, error) { once.Do(func() { close(lost) }) })
	if c.o.TLS == nil {
		o.SetUsername(HeadEnd)
	}
	client := mqtt.NewClient(o)
	t := client.Connect()
	<-t.Done()
	if t.Error() != nil {
		return
	}
	defer client.Disconnect(1000)
	filters := map[string]byte{}
	for _, k := range Up {
		filters[Prefix+"/+/"+k] = 1
	}
	sub := client.SubscribeMultiple(filters, nil)
	select {
	case <-sub.Done():
	case <-lost:
		return
	case <-ctx.Done():
		return
	}
	if sub.Error() != nil {
		return
	}
	c.online(client)
	defer c.online(nil)
	tick := time.NewTicker(c.o.AckEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if !c.o.Mute {
				c.acknowledge(client)
			}
		case <-lost:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (c *Collector) dial(ctx context.Context) (net.Conn, error) {
	conn, err := c.o.Dial(ctx)
	if err != nil || c.o.TLS == nil {
		return conn, err
	}
	t := tls.Client(conn, c.o.TLS)
	hctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := t.HandshakeContext(hctx); err != nil {
		conn.Close()
		return nil, err
	}
	return t, nil
}

func (c *Collector) online(client mqtt.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.client = client
	c.changed()
}

func (c *Collector) changed() {
	close(c.wake)
	c.wake = make(chan struct{})
}

func (c *Collector) door(id string) *doorLog {
	d := c.doors[id]
	if d == nil {
		d = &doorLog{ahead: map[uint64]json.RawMessage{}}
		c.doors[id] = d
	}
	return d
}

// receive takes one message; it never waits.
func (c *Collector) receive(m mqtt.Message) {
	level := strings.Split(m.Topic(), "/")
	if len(level) != 4 {
		return
	}
	o := Observation{Door: level[2], Kind: level[3], Payload: m.Payload(), Retained: m.Retained()}
	if o.Kind == "events" {
		var head struct {
			Seq uint64 `json:"seq"`
		}
		if json.Unmarshal(m.Payload(), &head) == nil {
			o.Seq = head.Seq
			o.Repeat = !c.keep(o.Door, head.Seq, m.Payload())
		}
	}
	select {
	case c.obs <- o:
	default:
	}
}

// keep files an event and tells whether it is new.
func (c *Collector) keep(door string, seq uint64, body []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.door(door)
	next := uint64(len(d.events)) + 1
	var known json.RawMessage
	if seq > 0 && seq < next {
		known = d.events[seq-1]
	} else {
		known = d.ahead[seq]
	}
	switch {
	case seq == 0:
		return false
	case known != nil:
		d.repeats++
		if string(known) != string(body) {
			d.forged++
		}
		return false
	case seq > next:
		if len(d.ahead) < maxAhead {
			d.ahead[seq] = slices.Clone(body)
		}
		if d.stuck.IsZero() {
			d.stuck = time.Now()
		}
		return true
	}
	d.events = append(d.events, slices.Clone(body))
	for {
		b, ok := d.ahead[uint64(len(d.events))+1]
		if !ok {
			break
		}
		delete(d.ahead, uint64(len(d.events))+1)
		d.events = append(d.events, b)
	}
	d.stuck = time.Time{}
	if len(d.ahead) > 0 {
		d.stuck = time.Now()
	}
	c.changed()
	return true
}

// acknowledge tells every door how far its events are here, and asks for what
// is missing.
func (c *Collector) acknowledge(client mqtt.Client) {
	type note struct{ topic, payload string }
	var notes []note
	c.mu.Lock()
	for id, d := range c.doors {
		if len(d.events) > 0 {
			notes = append(notes, note{Prefix + "/" + id + "/acks", fmt.Sprintf(`{"seq":%d}`, len(d.events))})
		}
		if !d.stuck.IsZero() && time.Since(d.stuck) >= c.o.Gap {
			d.stuck = time.Now()
			notes = append(notes, note{Prefix + "/" + id + "/replay", fmt.Sprintf(`{"from":%d}`, len(d.events)+1)})
		}
	}
	c.mu.Unlock()
	for _, n := range notes {
		client.Publish(n.topic, 0, false, n.payload)
	}
}
