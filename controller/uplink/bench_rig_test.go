package uplink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"sekimori/controller/ledger"
	"sekimori/firmware-sim/broker"
)

const doorID = "machine-room"

// memLedger is a ledger in memory.
type memLedger struct {
	mu      sync.Mutex
	bodies  [][]byte
	cursor  map[string]uint64
	changed chan struct{}
	broken  error // what Events and SetCursor return
	moves   int
}

var _ Ledger = (*memLedger)(nil)

func newMemLedger(n int) *memLedger {
	l := &memLedger{cursor: map[string]uint64{}, changed: make(chan struct{})}
	l.add(n)
	return l
}

func (l *memLedger) add(n int) {
	l.append(n, func(seq int) []byte { return fmt.Appendf(nil, `{"seq":%d,"kind":"factor_read"}`, seq) })
}

// append adds events in one step: what was announced never changes.
func (l *memLedger) append(n int, body func(seq int) []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		l.bodies = append(l.bodies, body(len(l.bodies)+1))
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *memLedger) setBroken(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
}

func (l *memLedger) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.bodies))
}

func (l *memLedger) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func (l *memLedger) Events(_ context.Context, from uint64, limit int) ([]ledger.Stored, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return nil, l.broken
	}
	var out []ledger.Stored
	for seq := from; seq <= uint64(len(l.bodies)) && len(out) < limit; seq++ {
		out = append(out, ledger.Stored{Seq: seq, Body: l.bodies[seq-1]})
	}
	return out, nil
}

func (l *memLedger) Cursor(_ context.Context, c string) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cursor[c], nil
}

func (l *memLedger) SetCursor(_ context.Context, c string, seq uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if seq > uint64(len(l.bodies)) {
		return errors.New("beyond the end")
	}
	l.cursor[c] = max(l.cursor[c], seq)
	l.moves++
	return nil
}

func (l *memLedger) Checkpoint(context.Context, time.Time) ([]byte, bool, error) {
	return fmt.Appendf(nil, "size %d\n", l.Last()/256*256), false, nil
}

// rig is a door, a broker and a collector on in-memory wires.
type rig struct {
	t         *testing.T
	ctx       context.Context
	ca        *broker.Authority
	listener  *broker.Listener
	mini      *broker.Mini
	collector *broker.Collector
	ledger    *memLedger
	uplink    *Uplink
	orders    *memOrders
	stopDoor  func()
	tasks     sync.WaitGroup

	mu        sync.Mutex
	links     []bool
	refused   []RefusedAck
	outcomes  []outcome
	published map[string]int // by topic kind, as the broker saw it
	seen      map[string]int // events that reached the broker
}

type memOrders struct {
	mu   sync.Mutex
	got  [][]byte
	fail error
}

func (m *memOrders) Submit(_ context.Context, b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.got = append(m.got, b)
	return nil
}

func (m *memOrders) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.got)
}

func (m *memOrders) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// inBubble runs a test with a rig in virtual time and waits for everything that
// it started.
func inBubble(t *testing.T, body func(r *rig)) {
	t.Helper()
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := newRig(t, ctx)
		defer func() {
			cancel()
			if r.stopDoor != nil {
				r.stopDoor()
			}
			r.tasks.Wait()
		}()
		body(r)
	})
}

func newRig(t *testing.T, ctx context.Context) *rig {
	ca, err := broker.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	server, err := ca.Server()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{
		t: t, ctx: ctx, ca: ca, listener: broker.Listen(), ledger: newMemLedger(0), orders: &memOrders{},
		published: map[string]int{}, seen: map[string]int{},
	}
	r.mini = broker.NewMini(broker.MiniOptions{TLS: server, Rules: broker.Rules(), OnPublish: r.onPublish})
	r.tasks.Go(func() { r.mini.Serve(ctx, r.listener) })
	return r
}

func (r *rig) onPublish(_, topic string, payload []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.published[topic]++
	if topic == "sekimori/v1/"+doorID+"/events" {
		r.seen[string(payload)]++
	}
}

func (r *rig) startCollector(change func(*broker.CollectorOptions)) {
	client, err := r.ca.Client(broker.HeadEnd)
	if err != nil {
		r.t.Fatal(err)
	}
	o := broker.CollectorOptions{Dial: r.listener.Dial, TLS: client}
	if change != nil {
		change(&o)
	}
	r.collector = broker.NewCollector(o)
	r.tasks.Go(func() { r.collector.Run(r.ctx) })
	if err := r.collector.Ready(r.ctx); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) options() Options {
	client, err := r.ca.Client(doorID)
	if err != nil {
		r.t.Fatal(err)
	}
	return Options{
		Door: doorID, Dial: r.listener.Dial, TLS: fixed(client), Ledger: r.ledger, Orders: r.orders,
		Log: slog.New(slog.NewTextHandler(r.t.Output(), nil)),
		Link: func(up bool, _ string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.links = append(r.links, up)
		},
		AckRefused: func(a RefusedAck) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.refused = append(r.refused, a)
		},
		Requested: func(id string, err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.outcomes = append(r.outcomes, outcome{id, err})
		},
	}
}

// startDoor runs an uplink until the bubble or stopDoor ends it.
func (r *rig) startDoor(change func(*Options)) {
	o := r.options()
	if change != nil {
		change(&o)
	}
	u, err := New(o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.uplink = u
	ctx, cancel := context.WithCancel(r.ctx)
	ended := make(chan struct{})
	r.tasks.Go(func() {
		defer close(ended)
		u.Run(ctx)
	})
	r.stopDoor = func() {
		cancel()
		<-ended
	}
}

// await fails the test if cond does not become true in time.
func (r *rig) await(what string, limit time.Duration, cond func() bool) {
	r.t.Helper()
	for end := time.Now().Add(limit); !cond(); {
		if time.Now().After(end) {
			r.t.Fatalf("%s: not within %v", what, limit)
		}
		time.Sleep(10 * time.Millisecond) // virtual
		synctest.Wait()
	}
}

func (r *rig) eventsAtBroker() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

// checkOrder fails unless the collector has exactly the ledger's bodies.
func (r *rig) checkOrder() {
	r.t.Helper()
	got := r.collector.Events(doorID)
	if len(got) != len(r.ledger.bodies) {
		r.t.Fatalf("collector has %d events, ledger %d", len(got), len(r.ledger.bodies))
	}
	for i := range got {
		if string(got[i]) != string(r.ledger.bodies[i]) {
			r.t.Fatalf("event %d is %s, in the ledger %s", i+1, got[i], r.ledger.bodies[i])
		}
	}
}

func stateOf(t *testing.T, b []byte) State {
	t.Helper()
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatalf("state %q: %v", b, err)
	}
	return s
}
