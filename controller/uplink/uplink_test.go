package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"sekimori/firmware-sim/broker"
)

func fixed(c *tls.Config) func() (*tls.Config, error) {
	return func() (*tls.Config, error) { return c, nil }
}

func TestEventsReachTheCollectorInOrder(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.ledger.add(1000)
		r.startCollector(nil)
		r.startDoor(nil)
		r.await("cursor", time.Minute, func() bool { return r.uplink.Cursor() == 1000 })
		r.checkOrder()
		r.ledger.add(1)
		r.await("one more", time.Second, func() bool { return r.collector.Highest(doorID) == 1001 })
		if n, _ := r.collector.Repeats(doorID); n != 0 {
			t.Errorf("%d events were sent twice over a good link", n)
		}
		// A thousand events are few commits of the cursor.
		if r.ledger.moves > 100 {
			t.Errorf("the cursor was committed %d times", r.ledger.moves)
		}
	})
}

// TestP9NothingLostOverBadBrokers: a broker that restarts without memory,
// swallows what it acknowledged, delays, duplicates and withholds loses
// nothing.
func TestP9NothingLostOverBadBrokers(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.startCollector(nil)
		r.startDoor(nil)
		faults := []func(){
			func() { r.mini.Stop(); r.mini.Forget(); time.Sleep(3 * time.Second); r.mini.Start() },
			func() { r.mini.Swallow(40) },
			func() { r.mini.Drop() },
			func() { r.mini.Delay(700 * time.Millisecond) },
			func() { r.mini.Duplicate(true) },
			func() { r.mini.Withhold(true); time.Sleep(5 * time.Second); r.mini.Withhold(false) },
			func() { r.listener.Refuse(true); r.mini.Drop(); time.Sleep(9 * time.Second); r.listener.Refuse(false) },
		}
		for round := range 21 {
			r.ledger.add(150)
			time.Sleep(50 * time.Millisecond)
			faults[round%len(faults)]()
			if round%3 == 2 {
				r.mini.Delay(0)
				r.mini.Duplicate(false)
			}
		}
		r.mini.Delay(0)
		r.await("all events", 10*time.Minute, func() bool { return r.uplink.Cursor() == 21*150 })
		r.checkOrder()
		if _, forged := r.collector.Repeats(doorID); forged != 0 {
			t.Errorf("%d numbers came with two bodies", forged)
		}
	})
}

// TestCursorIgnoresTokens: the broker takes everything, acknowledges nothing
// and hangs up; the client's tokens complete without error, the cursor stays.
func TestCursorIgnoresTokens(t *testing.T) {
	for _, exact := range []bool{false, true} {
		inBubble(t, func(r *rig) {
			r.ledger.add(10)
			r.mini.Withhold(true)
			r.startDoor(func(o *Options) { o.Exact = exact })
			r.await("events at the broker", 5*time.Second, func() bool { return r.eventsAtBroker() == 10 })
			r.mini.Drop()
			r.await("reconnection", 20*time.Second, func() bool { return r.uplink.Up() })
			time.Sleep(time.Second)
			if c := r.uplink.Cursor(); c != 0 {
				t.Errorf("exact %v: the cursor moved to %d without any acknowledgement", exact, c)
			}
		})
	}
}

func TestExactPubackMovesTheCursor(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.ledger.add(500)
		r.startDoor(func(o *Options) { o.Exact = true })
		r.await("cursor", time.Minute, func() bool { return r.uplink.Cursor() == 500 })
		if n := r.eventsAtBroker(); n != 500 {
			t.Errorf("the cursor is at 500, the broker has seen %d", n)
		}
		r.stopDoor()
		if c, _ := r.ledger.Cursor(r.ctx, "broker"); c != 500 {
			t.Errorf("the ledger keeps the cursor at %d", c)
		}
	})
}

// TestWithheldPubacksEndTheConnection: packet ids are 16 bit and stay taken; a
// broker that never acknowledges must not exhaust them.
func TestWithheldPubacksEndTheConnection(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.ledger.add(200)
		r.mini.Withhold(true)
		r.startDoor(func(o *Options) { o.Exact = true })
		r.await("link lost", time.Minute, func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return len(r.links) >= 2 && !r.links[1]
		})
		r.mini.Withhold(false)
		r.await("cursor", time.Minute, func() bool { return r.uplink.Cursor() == 200 })
	})
}

// TestCollectorAwayCostsLittle: while the collector is away the same window is
// sent again ever less often, and nothing beyond it.
func TestCollectorAwayCostsLittle(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.ledger.add(1000)
		r.startDoor(nil)
		time.Sleep(30 * time.Minute)
		r.mu.Lock()
		sent := r.published["sekimori/v1/"+doorID+"/events"]
		r.mu.Unlock()
		if r.eventsAtBroker() != 64 {
			t.Errorf("%d events were sent, the window is 64", r.eventsAtBroker())
		}
		if sent > 64*40 {
			t.Errorf("%d publishes in 30 minutes", sent)
		}
		r.startCollector(nil)
		r.await("cursor", 5*time.Minute, func() bool { return r.uplink.Cursor() == 1000 })
		r.checkOrder()
	})
}

func TestAckAbovePublishedIsRefusedWithOneAlarm(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.startDoor(nil)
		r.await("link", time.Second, r.uplink.Up)
		r.ledger.add(5)
		r.await("published", time.Second, func() bool { return r.eventsAtBroker() == 5 })
		for n := range 50 {
			r.mini.Publish("sekimori/v1/"+doorID+"/acks", 0, []byte(`{"seq":4000}`))
			if n == 0 {
				time.Sleep(5 * time.Second) // the first is told alone
			}
		}
		time.Sleep(5 * time.Second)
		if c := r.uplink.Cursor(); c != 0 {
			t.Fatalf("the cursor believes a lie: %d", c)
		}
		r.mu.Lock()
		alarms := len(r.refused)
		r.mu.Unlock()
		if alarms != 1 {
			t.Fatalf("%d alarms, not 1", alarms)
		}
		time.Sleep(2 * time.Minute)
		r.mu.Lock()
		defer r.mu.Unlock()
		var total uint64
		for _, a := range r.refused {
			total += a.Count
			if a.Seq != 4000 || a.Published != 5 {
				t.Errorf("alarm %+v", a)
			}
		}
		if total != 50 || len(r.refused) != 2 {
			t.Errorf("%d refused acknowledgements in %d alarms, not 50 in 2", total, len(r.refused))
		}
	})
}

// TestAckOfAnEarlierRun: after a restart the collector is ahead of what this
// run published. That is no attack, and it skips nothing either.
func TestAckOfAnEarlierRun(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.ledger.add(300)
		r.startCollector(nil)
		r.startDoor(nil)
		r.await("cursor", time.Minute, func() bool { return r.uplink.Cursor() == 300 })
		r.stopDoor()
		r.ledger.cursor["collector"] = 100 // the last commits of the cursor are lost
		r.startDoor(nil)
		r.await("cursor again", time.Minute, func() bool { return r.uplink.Cursor() == 300 })
		time.Sleep(time.Minute)
		if len(r.refused) != 0 {
			t.Errorf("false alarm: %+v", r.refused)
		}
	})
}

func TestReplay(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.ledger.add(300)
		r.startCollector(nil)
		r.startDoor(nil)
		r.await("cursor", time.Minute, func() bool { return r.uplink.Cursor() == 300 })
		if err := r.collector.Send(r.ctx, doorID, "replay", []byte(`{"from":101}`)); err != nil {
			t.Fatal(err)
		}
		r.await("repeats", 10*time.Second, func() bool { n, _ := r.collector.Repeats(doorID); return n == 200 })
		// Beyond the end, and too soon: nothing.
		r.collector.Send(r.ctx, doorID, "replay", []byte(`{"from":1}`))
		r.collector.Send(r.ctx, doorID, "replay", []byte(`{"from":900}`))
		time.Sleep(5 * time.Second)
		if n, _ := r.collector.Repeats(doorID); n != 200 {
			t.Errorf("%d repeats, not 200", n)
		}
		r.ledger.add(1)
		r.await("live again", time.Second, func() bool { return r.collector.Highest(doorID) == 301 })
	})
}

// TestLostCollectorStore: a collector that starts anew gets everything.
func TestLostCollectorStore(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.ledger.add(500)
		r.ledger.cursor["collector"] = 400
		r.startCollector(nil)
		r.startDoor(nil)
		r.await("all", time.Minute, func() bool { return r.collector.Highest(doorID) == 500 })
		r.checkOrder()
	})
}

func TestStateAndLastWill(t *testing.T) {
	inBubble(t, func(r *rig) {
		topic := "sekimori/v1/" + doorID + "/state"
		r.startDoor(nil)
		r.uplink.SetState(State{Lock: "secured", Leaf: "closed", Inside: 2})
		r.await("state", time.Second, func() bool {
			b := r.mini.Retained(topic)
			return b != nil && stateOf(t, b).Inside == 2
		})
		if s := stateOf(t, r.mini.Retained(topic)); !s.Online || s.Door != doorID {
			t.Errorf("state %+v", s)
		}
		r.listener.Refuse(true)
		r.mini.Drop()
		r.await("will", time.Minute, func() bool { return !stateOf(t, r.mini.Retained(topic)).Online })
		r.listener.Refuse(false)
		r.await("back", time.Minute, func() bool { return stateOf(t, r.mini.Retained(topic)).Online })
		r.stopDoor()
		if s := stateOf(t, r.mini.Retained(topic)); s.Online {
			t.Errorf("after an orderly end the state says %+v", s)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if want := []bool{true, false, true}; len(r.links) < 3 || r.links[0] != want[0] || r.links[1] != want[1] || r.links[2] != want[2] {
			t.Errorf("link notices %v, want %v", r.links, want)
		}
	})
}

func TestOrdersAreAcknowledgedAfterTheyAreDurable(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.startCollector(nil)
		r.startDoor(nil)
		r.await("link", time.Second, r.uplink.Up)
		r.orders.setFail(errors.New("disk full"))
		if err := r.collector.Send(r.ctx, doorID, "orders", []byte("one")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		r.stopDoor() // the order was never durable: the broker must still have it
		r.orders.setFail(nil)
		r.startDoor(nil)
		r.await("order", 10*time.Second, func() bool { return r.orders.count() == 1 })
		// And one that was durable does not come again.
		r.mini.Drop()
		time.Sleep(20 * time.Second)
		if r.orders.count() != 1 {
			t.Errorf("an acknowledged order came %d times", r.orders.count())
		}
	})
}

// TestOrdersWaitAtTheBroker while the door is away.
func TestOrdersWaitAtTheBroker(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.startCollector(nil)
		r.startDoor(nil)
		r.await("link", time.Second, r.uplink.Up)
		r.stopDoor()
		for range 200 {
			if err := r.collector.Send(r.ctx, doorID, "orders", []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		r.startDoor(nil)
		r.await("orders", 10*time.Second, func() bool { return r.orders.count() == 200 })
	})
}

// TestSlowInboxHoldsNothingUp: an inbox that never answers holds up neither
// events nor acknowledgements, and not the end either.
func TestSlowInboxHoldsNothingUp(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.startCollector(nil)
		r.startDoor(func(o *Options) { o.Orders = stuckOrders{} })
		r.await("link", time.Second, r.uplink.Up)
		for range 5000 {
			r.mini.Publish("sekimori/v1/"+doorID+"/orders", 1, make([]byte, 1000))
		}
		r.ledger.add(2000)
		r.await("cursor", time.Minute, func() bool { return r.uplink.Cursor() == 2000 })
	})
}

type stuckOrders struct{}

func (stuckOrders) Submit(ctx context.Context, _ []byte) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestSlowCallbacksHoldNothingUp: the door that takes the notices may be busy.
func TestSlowCallbacksHoldNothingUp(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.startCollector(nil)
		r.startDoor(func(o *Options) {
			o.Link = func(bool, string) { <-r.ctx.Done() }
		})
		r.ledger.add(500)
		r.await("cursor", time.Minute, func() bool { return r.uplink.Cursor() == 500 })
	})
}

func TestRequests(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.startCollector(nil)
		r.listener.Refuse(true)
		r.startDoor(nil)
		if err := r.uplink.Request(Request{ID: "early"}, time.Minute); !errors.Is(err, ErrLinkDown) {
			t.Errorf("a request without a link: %v", err)
		}
		r.listener.Refuse(false)
		r.await("link", time.Minute, r.uplink.Up)
		if err := r.uplink.Request(Request{ID: "a", Place: "madoguchi", Person: "s-001"}, time.Minute); err != nil {
			t.Fatal(err)
		}
		r.await("outcome", time.Second, func() bool { return r.outcomeOf("a") == "ok" })
		o := r.observe("requests")
		if !strings.Contains(string(o.Payload), `"person":"s-001"`) || !strings.Contains(string(o.Payload), `"door":"machine-room"`) {
			t.Errorf("request %s", o.Payload)
		}
		r.mini.Withhold(true)
		r.uplink.Request(Request{ID: "b", Place: "madoguchi"}, 3*time.Second)
		r.await("expiry", 5*time.Second, func() bool { return r.outcomeOf("b") != "" })
		r.uplink.Request(Request{ID: "c", Place: "madoguchi"}, time.Minute)
		time.Sleep(time.Second)
		r.mini.Drop()
		r.await("loss", 5*time.Second, func() bool { return r.outcomeOf("c") != "" })
		if r.outcomeOf("b") == "ok" || r.outcomeOf("c") == "ok" {
			t.Errorf("b %s, c %s", r.outcomeOf("b"), r.outcomeOf("c"))
		}
	})
}

func (r *rig) outcomeOf(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.outcomes {
		if o.id == id && o.err == nil {
			return "ok"
		} else if o.id == id {
			return o.err.Error()
		}
	}
	return ""
}

func (r *rig) observe(kind string) broker.Observation {
	r.t.Helper()
	for {
		select {
		case o := <-r.collector.Observations():
			if o.Kind == kind {
				return o
			}
		case <-time.After(10 * time.Second):
			r.t.Fatalf("no %s was seen", kind)
		}
	}
}

func TestBrokenLedgerDoesNotEndTheLink(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.startCollector(nil)
		r.startDoor(nil)
		r.await("link", time.Second, r.uplink.Up)
		r.ledger.setBroken(errors.New("database is locked"))
		r.ledger.add(10)
		time.Sleep(30 * time.Second)
		if !r.uplink.Up() {
			t.Error("the link is down")
		}
		r.ledger.setBroken(nil)
		r.await("cursor", 10*time.Second, func() bool { return r.uplink.Cursor() == 10 })
	})
}

func TestCheckpointsLeaveTheBox(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.startCollector(nil)
		r.startDoor(nil)
		r.ledger.add(300)
		r.await("checkpoint", 10*time.Second, func() bool {
			return string(r.mini.Retained("sekimori/v1/"+doorID+"/checkpoints")) == "size 256\n"
		})
	})
}

// TestForgottenEventsKeepTheirNumber: past retention the body is gone, the
// number still arrives.
func TestForgottenEventsKeepTheirNumber(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.ledger.add(20)
		r.ledger.bodies[6] = nil
		r.startCollector(nil)
		r.startDoor(nil)
		r.await("cursor", 10*time.Second, func() bool { return r.uplink.Cursor() == 20 })
		if got := string(r.collector.Events(doorID)[6]); got != `{"seq":7,"forgotten":true}` {
			t.Errorf("event 7 is %s", got)
		}
	})
}

// TestOnlyMutualTLS: a door without certificate, with somebody else's, with one
// of another authority, or asked to trust anybody, does not get through.
func TestOnlyMutualTLS(t *testing.T) {
	inBubble(t, func(r *rig) {
		rogue, err := broker.NewAuthority()
		if err != nil {
			t.Fatal(err)
		}
		own, _ := r.ca.Client(doorID)
		strange, _ := rogue.Client(doorID)
		other, _ := r.ca.Client("other-door")
		bare := own.Clone()
		bare.Certificates = nil
		blind := own.Clone()
		blind.InsecureSkipVerify = true
		half := own.Clone()
		half.Certificates = strange.Certificates
		for name, cfg := range map[string]*tls.Config{
			"no certificate": bare, "skips verification": blind, "rogue client": half,
			"rogue broker": strange, "another door's": other,
		} {
			r.startDoor(func(o *Options) { o.TLS = fixed(cfg) })
			time.Sleep(30 * time.Second)
			if r.uplink.Up() {
				t.Errorf("%s: connected", name)
			}
			r.stopDoor()
		}
	})
}

// TestHugeAnnouncement: the broker announces a packet of 200 MB; the client
// would allocate it at once.
func TestHugeAnnouncement(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.startDoor(func(o *Options) { o.MaxInbound = 4096 })
		r.await("link", time.Second, r.uplink.Up)
		r.mini.Publish("sekimori/v1/"+doorID+"/orders", 1, make([]byte, 5000))
		r.await("link lost", 10*time.Second, func() bool { return !r.uplink.Up() })
		if r.orders.count() != 0 {
			t.Error("the order came through")
		}
	})
}
