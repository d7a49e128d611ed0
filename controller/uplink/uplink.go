package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"sekimori/controller/ledger"
)

// Ledger is what the uplink needs of the ledger, which is its outbox.
type Ledger interface {
	Last() uint64
	Changed() <-chan struct{} // closed at the next append
	Events(ctx context.Context, from uint64, limit int) ([]ledger.Stored, error)
	Cursor(ctx context.Context, collector string) (uint64, error)
	SetCursor(ctx context.Context, collector string, seq uint64) error
	Checkpoint(ctx context.Context, now time.Time) (note []byte, fresh bool, err error)
}

var _ Ledger = (*ledger.Ledger)(nil)

// Orders takes orders in; package order's Inbox does. It returns nil once the
// order is durable here or known to be worthless.
type Orders interface {
	Submit(ctx context.Context, signed []byte) error
}

// Options of an uplink. Those with a default may be left zero.
type Options struct {
	Door   string // its id: the topic level and the certificate's CN
	Dial   func(ctx context.Context) (net.Conn, error)
	TLS    func() (*tls.Config, error) // called for every connection; see TLSFiles
	Ledger Ledger
	Orders Orders
	// Exact: there is no collector, the exact PUBACK moves the cursor.
	Exact     bool
	Collector string // the cursor's name; default "collector", or "broker" with Exact

	// What the uplink learns. These are called one at a time from a goroutine of
	// their own and may wait; what piles up meanwhile is coalesced.
	Link       func(up bool, reason string)
	AckRefused func(RefusedAck)
	Requested  func(id string, err error) // what became of a Request

	Log *slog.Logger

	Window      int           // events ahead of the cursor; default 64
	Stall       time.Duration // without progress before sending again; default 2 s
	StallMax    time.Duration // grows up to this; default 60 s
	RetryMin    time.Duration // first wait before connecting again; default 500 ms
	RetryMax    time.Duration // grows up to this; default 10 s
	KeepAlive   time.Duration // default 15 s; a dead peer is noticed in about twice that
	ConnectWait time.Duration // dial, TLS and CONNACK; default 10 s
	WriteWait   time.Duration // default 5 s
	// PubackWait is how long a broker may leave a publish unacknowledged before
	// the connection is given up; default 15 s.
	PubackWait time.Duration
	MaxInbound int // bytes of a packet from the broker; default 34 MiB: an import order and its topic
}

// RefusedAck is an acknowledgement of something that was never published, or so
// many alike since the last call.
type RefusedAck struct {
	Seq       uint64 // the highest
	Published uint64 // the highest that was
	Last      uint64 // the end of the ledger
	Count     uint64
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Stall, 2*time.Second)
	def(&o.StallMax, time.Minute)
	def(&o.RetryMin, 500*time.Millisecond)
	def(&o.RetryMax, 10*time.Second)
	def(&o.KeepAlive, 15*time.Second)
	def(&o.ConnectWait, 10*time.Second)
	def(&o.WriteWait, 5*time.Second)
	def(&o.PubackWait, 15*time.Second)
	if o.Window == 0 {
		o.Window = 64
	}
	if o.MaxInbound == 0 {
		o.MaxInbound = 34 << 20
	}
	if o.Collector == "" {
		o.Collector = "collector"
		if o.Exact {
			o.Collector = "broker"
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// ErrLinkDown: there is no connection to the broker.
var ErrLinkDown = errors.New("no connection to the broker")

// Uplink is the connection to the broker. Make it with [New]; run [Uplink.Run]
// once.
type Uplink struct {
	o      Options
	wake   chan struct{} // the session has something to look at
	notes  *notices
	orders *orderQueue

	mu       sync.Mutex
	out      *outbox // nil before Run has read the cursor
	up       bool
	state    State
	newState bool
	asked    []asked              // to be published
	pending  map[string]time.Time // published, not acknowledged; when each expires
}

// New checks the options.
func New(o Options) (*Uplink, error) {
	o = o.withDefaults()
	switch {
	case !isTopicLevel(o.Door):
		return nil, fmt.Errorf("cannot make uplink: door id %q is not made of letters, digits, '_' and '-'", o.Door)
	case o.Dial == nil || o.TLS == nil || o.Ledger == nil:
		return nil, errors.New("cannot make uplink: dial, TLS or ledger is missing")
	case o.Window < 1 || o.Window > 1024:
		return nil, fmt.Errorf("cannot make uplink: a window of %d is not 1 to 1024", o.Window)
	}
	u := &Uplink{
		o: o, wake: make(chan struct{}, 1), notes: newNotices(o),
		state: State{Door: o.Door}, pending: map[string]time.Time{},
	}
	u.orders = newOrderQueue(o)
	return u, nil
}

// Run connects again and again until ctx ends. It returns when every goroutine
// of the uplink and of the client has ended.
func (u *Uplink) Run(ctx context.Context) error {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	tasks.Go(func() { u.notes.run(ctx) })
	tasks.Go(func() { u.orders.run(ctx) })

	if !u.begin(ctx) {
		return nil
	}
	wait := u.o.RetryMin
	for ctx.Err() == nil {
		began := time.Now()
		err := u.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		u.o.Log.Warn("uplink", "err", err)
		u.notes.linked(false, err.Error()) // also if it never was up
		if time.Since(began) > u.o.RetryMax {
			wait = u.o.RetryMin
		}
		// Half of it by chance, so that all doors of a city do not come back to
		// a restarted broker in the same moment.
		pause(ctx, wait/2+rand.N(wait/2+1))
		wait = min(2*wait, u.o.RetryMax)
	}
	return nil
}

// begin reads the cursor; the ledger may need a moment.
func (u *Uplink) begin(ctx context.Context) bool {
	for ctx.Err() == nil {
		acked, err := u.o.Ledger.Cursor(ctx, u.o.Collector)
		if err == nil {
			last := u.o.Ledger.Last()
			if acked > last {
				// Never believe a cursor beyond the ledger: sending again is safe.
				u.o.Log.Error("uplink: the cursor is beyond the ledger", "cursor", acked, "last", last)
				acked = last
			}
			u.mu.Lock()
			u.out = newOutbox(u.o.Exact, uint64(u.o.Window), u.o.Stall, u.o.StallMax, acked, last)
			u.mu.Unlock()
			return true
		}
		u.o.Log.Error("uplink: cannot read the cursor", "err", err)
		pause(ctx, time.Second)
	}
	return false
}

// SetState gives what the retained message says; door and online are filled in.
// It never waits.
func (u *Uplink) SetState(s State) {
	s.Door, s.Online = u.o.Door, true
	u.mu.Lock()
	u.state, u.newState = s, true
	u.mu.Unlock()
	u.poke()
}

// Up tells whether the broker is connected and the door subscribed.
func (u *Uplink) Up() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.up
}

// Cursor is the number up to which everything is safe outside.
func (u *Uplink) Cursor() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.out == nil {
		return 0
	}
	return u.out.acked
}

func (u *Uplink) poke() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
