package uplink

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sekimori/firmware-sim/broker"
)

// These tests run real brokers in processes of their own, in real time.

const (
	killEvents = 3000
	kills      = 8
	killLimit  = 90 * time.Second
)

// sized makes an event whose length tells its number, so that a broker's log
// line shows which event it took.
func sized(seq int) []byte {
	head := fmt.Sprintf(`{"seq":%d,"kind":"factor_read","detail":"`, seq)
	return []byte(head + strings.Repeat("x", lengthOf(seq)-len(head)-2) + `"}`)
}

func lengthOf(seq int) int { return 100 + seq }

func (l *memLedger) addSized(n int) { l.append(n, sized) }

// TestP9BrokerKills: a broker is killed eight times over thousands of events.
func TestP9BrokerKills(t *testing.T) {
	for _, b := range []struct {
		name  string
		start func(*testing.T) *peer
	}{{"mosquitto", mosquitto}, {"nats", desk}} {
		t.Run(b.name+"/collector", func(t *testing.T) { collectorKills(t, b.start(t)) })
		t.Run(b.name+"/exact", func(t *testing.T) { exactKills(t, b.start(t), b.name == "mosquitto") })
	}
}

// collectorKills: everything reaches the collector, in order after repeats are
// dropped, and the cursor never passes what the collector has.
func collectorKills(t *testing.T, p *peer) {
	ctx, cancel := context.WithTimeout(t.Context(), killLimit)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel()
	c := p.collect(ctx, &tasks)
	l := newMemLedger(0)
	u := p.door(ctx, &tasks, doorID, l, nil)
	killWhileWriting(ctx, t, p, l, func() {
		if cursor, has := u.Cursor(), c.Highest(doorID); cursor > has {
			t.Fatalf("the cursor is at %d, the collector has %d", cursor, has)
		}
	})
	if err := c.Wait(ctx, doorID, killEvents); err != nil {
		t.Fatal(err)
	}
	awaitCursor(ctx, t, u, killEvents)
	checkBodies(t, c, l)
	repeats, forged := c.Repeats(doorID)
	if forged != 0 {
		t.Errorf("%d numbers came with two bodies", forged)
	}
	t.Logf("%d events over %d kills: none lost, %d repeats", killEvents, kills, repeats)
}

// exactKills: without a collector's word every event was taken by the broker
// before the cursor passed it. Mosquitto's own log proves it; NATS keeps what
// it took, so its subscriber has everything.
func exactKills(t *testing.T, p *peer, byLog bool) {
	ctx, cancel := context.WithTimeout(t.Context(), killLimit)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel()
	l := newMemLedger(0)
	var c *broker.Collector
	if !byLog {
		c = p.collect(ctx, &tasks)
	}
	u := p.door(ctx, &tasks, doorID, l, func(o *Options) { o.Exact = true })
	killWhileWriting(ctx, t, p, l, func() {})
	awaitCursor(ctx, t, u, killEvents)
	if !byLog {
		if err := c.Wait(ctx, doorID, killEvents); err != nil {
			t.Fatal(err)
		}
		checkBodies(t, c, l)
		return
	}
	p.kill() // ends its log
	for seq := 1; seq <= killEvents; seq++ {
		if !p.hasTaken(lengthOf(seq)) {
			t.Errorf("the cursor passed event %d, which the broker never took", seq)
		}
	}
}

// killWhileWriting adds the events in bursts and kills the broker between them
// while they flow.
func killWhileWriting(ctx context.Context, t *testing.T, p *peer, l *memLedger, check func()) {
	t.Helper()
	for round := range kills + 1 {
		n := killEvents / (kills + 1)
		if round == kills {
			n = killEvents - int(l.Last())
		}
		l.addSized(n)
		time.Sleep(time.Duration(2*round) * time.Millisecond) // they flow now
		check()
		if round < kills {
			p.kill()
			p.start()
			time.Sleep(300 * time.Millisecond) // the next burst meets a live link
		}
		if ctx.Err() != nil {
			t.Fatal("out of time")
		}
	}
}

func awaitCursor(ctx context.Context, t *testing.T, u *Uplink, seq uint64) {
	t.Helper()
	for u.Cursor() < seq {
		if ctx.Err() != nil {
			t.Fatalf("the cursor stays at %d of %d", u.Cursor(), seq)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func checkBodies(t *testing.T, c *broker.Collector, l *memLedger) {
	t.Helper()
	got := c.Events(doorID)
	if len(got) != len(l.bodies) {
		t.Fatalf("the collector has %d events of %d", len(got), len(l.bodies))
	}
	for i := range got {
		if string(got[i]) != string(l.bodies[i]) {
			t.Fatalf("event %d differs", i+1)
		}
	}
}

// TestBrokerKeepsDoorsApart: on both real brokers, a door reaches its own
// topics only, and without a certificate nobody reaches anything.
func TestBrokerKeepsDoorsApart(t *testing.T) {
	t.Run("mosquitto", func(t *testing.T) { keepsApart(t, mosquitto(t)) })
	t.Run("nats", func(t *testing.T) { keepsApart(t, desk(t)) })
}

func keepsApart(t *testing.T, p *peer) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel()
	c := p.collect(ctx, &tasks)
	mine, theirs := &memOrders{}, &memOrders{}
	l := newMemLedger(0)
	u := p.door(ctx, &tasks, doorID, l, func(o *Options) { o.Orders = mine })
	other := p.door(ctx, &tasks, "archive", newMemLedger(0), func(o *Options) { o.Orders = theirs })
	for !u.Up() || !other.Up() {
		if ctx.Err() != nil {
			t.Fatal("the doors do not connect")
		}
		time.Sleep(20 * time.Millisecond)
	}

	intruder := newIntruder(t, p, "intruder")
	defer intruder.close()
	if intruder.subscribed("sekimori/v1/+/orders") || intruder.subscribed("#") {
		t.Log("the broker grants a foreign subscription; it must deliver nothing")
	}
	intruder.publish("sekimori/v1/"+doorID+"/events", `{"seq":1,"kind":"forged"}`)
	// A broker may answer a denied publish by hanging up; try each on its own.
	second := newIntruder(t, p, "intruder")
	defer second.close()
	second.publish("sekimori/v1/"+doorID+"/acks", `{"seq":1}`)
	third := newIntruder(t, p, "intruder")
	defer third.close()
	third.publish("sekimori/v1/"+doorID+"/orders", "forged order")

	l.addSized(10)
	if err := c.Send(ctx, doorID, "orders", []byte("an order")); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(ctx, doorID, 10); err != nil {
		t.Fatal(err)
	}
	awaitCursor(ctx, t, u, 10)
	for mine.count() == 0 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond) // what must not come would be here
	checkBodies(t, c, l)
	if mine.count() != 1 || string(mine.got[0]) != "an order" || theirs.count() != 0 {
		t.Errorf("this door got %q, the other %d orders", mine.got, theirs.count())
	}
	if got := intruder.received(); len(got) != 0 {
		t.Errorf("the intruder received %q", got)
	}
	nobody := newStranger(t, p)
	if nobody == nil {
		t.Error("a client without a certificate is connected")
	}
}
