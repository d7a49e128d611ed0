package uplink

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// receive is the client's one handler. It never waits.
func (u *Uplink) receive(_ mqtt.Client, m mqtt.Message) {
	kind, ok := strings.CutPrefix(m.Topic(), prefix+u.o.Door+"/")
	if !ok {
		kind = ""
	}
	switch kind {
	case topicOrders:
		u.orders.put(m) // acknowledged once it is durable
		return
	case topicAcks:
		u.acknowledged(m.Payload())
	case topicReplay:
		u.replay(m.Payload())
	default:
		u.o.Log.Warn("uplink: the broker delivered a topic that was not asked for", "bytes", len(m.Payload()))
	}
	m.Ack()
}

func (u *Uplink) acknowledged(payload []byte) {
	a, err := ParseAck(payload)
	if err != nil {
		u.o.Log.Warn("uplink", "err", err)
		return
	}
	last := u.o.Ledger.Last()
	u.mu.Lock()
	what, published := u.out.ack(a.Seq, time.Now()), u.out.high
	u.mu.Unlock()
	switch what {
	case ackRefused:
		u.notes.refused(RefusedAck{Seq: a.Seq, Published: published, Last: last, Count: 1})
	case ackTaken, ackEarlier:
		u.poke()
	}
}

func (u *Uplink) replay(payload []byte) {
	r, err := ParseReplay(payload)
	if err != nil {
		u.o.Log.Warn("uplink", "err", err)
		return
	}
	u.mu.Lock()
	granted := u.out.replay(r.From, time.Now())
	u.mu.Unlock()
	u.o.Log.Info("uplink: replay asked for", "from", r.From, "granted", granted)
	u.poke()
}

// Bounds of the orders in memory. An honest broker stops by itself before: it
// leaves at most so many messages unacknowledged (mosquitto 20, NATS 1024 by
// default).
const (
	maxOrders     = 1100
	maxOrderBytes = 72 << 20 // two imports of the largest size
	orderRetry    = time.Second
)

// orderQueue carries orders from the client's handler to the inbox.
type orderQueue struct {
	o     Options
	queue chan mqtt.Message
	bytes atomic.Int64
	lost  atomic.Bool // one did not fit
}

func newOrderQueue(o Options) *orderQueue {
	return &orderQueue{o: o, queue: make(chan mqtt.Message, maxOrders)}
}

// put never waits. What does not fit is not acknowledged, so that the broker
// sends it again on the next connection.
func (q *orderQueue) put(m mqtt.Message) {
	n := int64(len(m.Payload()))
	if q.o.Orders == nil {
		m.Ack()
		return
	}
	if q.bytes.Add(n) > maxOrderBytes {
		q.bytes.Add(-n)
		q.lost.Store(true)
		return
	}
	select {
	case q.queue <- m:
	default:
		q.bytes.Add(-n)
		q.lost.Store(true)
	}
}

// shed tells, once, that something did not fit and that there is room again.
func (q *orderQueue) shed() bool {
	return len(q.queue) == 0 && q.lost.CompareAndSwap(true, false)
}

// run hands orders to the inbox one by one, each until it is durable there.
func (q *orderQueue) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-q.queue:
			for ctx.Err() == nil {
				err := q.o.Orders.Submit(ctx, m.Payload())
				if err == nil {
					m.Ack() // of no effect if the connection is gone: it will come again
					break
				}
				q.o.Log.Warn("uplink: cannot store an order", "err", err)
				pause(ctx, orderRetry)
			}
			q.bytes.Add(-int64(len(m.Payload())))
		}
	}
}

// notices carries what the uplink learnt to those who want to know, and
// coalesces while they are busy.
type notices struct {
	o    Options
	wake chan struct{}

	mu       sync.Mutex
	link     *linkNotice // the newest not yet told
	told     bool        // link state told last
	said     bool        // it was told at all: also a link that never was is lost
	acks     RefusedAck
	acksAt   time.Time
	outcomes []outcome // bounded by the requests under way
}

type linkNotice struct {
	up     bool
	reason string
}

type outcome struct {
	id  string
	err error
}

// ackQuiet is how long refused acknowledgements are only counted after one was
// told.
const ackQuiet = time.Minute

func newNotices(o Options) *notices { return &notices{o: o, wake: make(chan struct{}, 1)} }

func (n *notices) poke() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *notices) linked(up bool, reason string) {
	n.mu.Lock()
	n.link = &linkNotice{up, reason}
	n.mu.Unlock()
	n.poke()
}

func (n *notices) refused(r RefusedAck) {
	n.mu.Lock()
	r.Count += n.acks.Count
	r.Seq = max(r.Seq, n.acks.Seq)
	n.acks = r
	n.mu.Unlock()
	n.poke()
}

func (n *notices) requested(id string, err error) {
	n.mu.Lock()
	n.outcomes = append(n.outcomes, outcome{id, err})
	n.mu.Unlock()
	n.poke()
}

func (n *notices) run(ctx context.Context) {
	timer := time.NewTicker(time.Second) // for what was only counted
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.wake:
		case <-timer.C:
		}
		n.tell()
	}
}

func (n *notices) tell() {
	n.mu.Lock()
	link, outcomes := n.link, n.outcomes
	n.link, n.outcomes = nil, nil
	if link != nil && n.said && link.up == n.told {
		link = nil // up and down again meanwhile, or the reverse
	}
	if link != nil {
		n.told, n.said = link.up, true
	}
	var acks RefusedAck
	if now := time.Now(); n.acks.Count > 0 && (n.acksAt.IsZero() || now.Sub(n.acksAt) >= ackQuiet) {
		acks, n.acks, n.acksAt = n.acks, RefusedAck{}, now
	}
	n.mu.Unlock()

	if link != nil && n.o.Link != nil {
		n.o.Link(link.up, link.reason)
	}
	if acks.Count > 0 && n.o.AckRefused != nil {
		n.o.AckRefused(acks)
	}
	for _, out := range outcomes {
		if n.o.Requested != nil {
			n.o.Requested(out.id, out.err)
		}
	}
}
