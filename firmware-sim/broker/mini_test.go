package broker

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// inBubble runs a test against a Mini broker in virtual time.
func inBubble(t *testing.T, body func(t *testing.T, m *Mini, l *Listener, ca *Authority)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ca, err := NewAuthority()
		if err != nil {
			t.Fatal(err)
		}
		server, err := ca.Server()
		if err != nil {
			t.Fatal(err)
		}
		m, l := NewMini(MiniOptions{TLS: server, Rules: Rules()}), Listen()
		ctx, cancel := context.WithCancel(t.Context())
		var tasks sync.WaitGroup
		tasks.Go(func() { m.Serve(ctx, l) })
		body(t, m, l, ca)
		cancel()
		tasks.Wait()
	})
}

// probe is a paho client that notes what it gets.
type probe struct {
	mqtt.Client
	mu  sync.Mutex
	got []string
}

func newProbe(t *testing.T, l *Listener, ca *Authority, cn, id string, change func(*mqtt.ClientOptions)) *probe {
	t.Helper()
	cfg, err := ca.Client(cn)
	if err != nil {
		t.Fatal(err)
	}
	return dialProbe(t, func() (net.Conn, error) { return l.Dial(context.Background()) }, cfg, id, change)
}

func dialProbe(t *testing.T, dial func() (net.Conn, error), cfg *tls.Config, id string, change func(*mqtt.ClientOptions)) *probe {
	t.Helper()
	p := &probe{}
	o := mqtt.NewClientOptions().AddBroker("x://x").SetClientID(id).SetProtocolVersion(4).SetCleanSession(false).
		SetAutoReconnect(false).SetWriteTimeout(time.Second)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.got = append(p.got, fmt.Sprintf("%s %s retained=%v", m.Topic(), m.Payload(), m.Retained()))
	})
	o.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
		c, err := dial()
		if err != nil {
			return nil, err
		}
		return tls.Client(c, cfg), nil
	})
	if change != nil {
		change(o)
	}
	p.Client = mqtt.NewClient(o)
	if tok := p.Connect(); tok.Wait() && tok.Error() != nil {
		t.Fatalf("%s cannot connect: %v", id, tok.Error())
	}
	return p
}

func (p *probe) messages() []string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.got...)
}

func TestMiniSessionsAndRules(t *testing.T) {
	inBubble(t, func(t *testing.T, m *Mini, l *Listener, ca *Authority) {
		head := newProbe(t, l, ca, HeadEnd, HeadEnd, nil)
		sub := head.Subscribe(Prefix+"/+/events", 1, nil).(*mqtt.SubscribeToken)
		denied := head.Subscribe("#", 1, nil).(*mqtt.SubscribeToken)
		sub.Wait()
		denied.Wait()
		if sub.Result()[Prefix+"/+/events"] != 1 || denied.Result()["#"] != 0x80 {
			t.Errorf("subscriptions %v, %v", sub.Result(), denied.Result())
		}
		door := newProbe(t, l, ca, "d1", "d1", nil)
		door.Publish(Prefix+"/d1/events", 1, false, "one").Wait()
		door.Publish(Prefix+"/d2/events", 1, false, "foreign").Wait()
		if got := head.messages(); len(got) != 1 || got[0] != Prefix+"/d1/events one retained=false" {
			t.Errorf("the head end got %q", got)
		}
		// While it is away its session keeps what comes.
		head.Disconnect(100)
		for i := range 500 {
			door.Publish(Prefix+"/d1/events", 1, false, fmt.Sprint(i)).Wait()
		}
		head = newProbe(t, l, ca, HeadEnd, HeadEnd, nil)
		if got := head.messages(); len(got) != 500 || got[499] != Prefix+"/d1/events 499 retained=false" {
			t.Errorf("%d messages waited", len(got))
		}
		// Nobody else gets at that session.
		cfg, _ := ca.Client("d1")
		c, _ := l.Dial(t.Context())
		tc := tls.Client(c, cfg)
		connect := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
		connect.ProtocolName, connect.ProtocolVersion, connect.ClientIdentifier = "MQTT", 4, HeadEnd
		connect.Write(tc)
		if ack, err := packets.ReadPacket(tc); err != nil || ack.(*packets.ConnackPacket).ReturnCode == packets.Accepted {
			t.Errorf("another identity took the session: %v, %v", ack, err)
		}
		tc.Close()
		head.Disconnect(100)
		door.Disconnect(100)
	})
}

func TestMiniRetainedAndWill(t *testing.T) {
	inBubble(t, func(t *testing.T, m *Mini, l *Listener, ca *Authority) {
		topic := Prefix + "/d1/state"
		door := newProbe(t, l, ca, "d1", "d1", func(o *mqtt.ClientOptions) { o.SetWill(topic, "offline", 1, true) })
		door.Publish(topic, 1, true, "online").Wait()
		head := newProbe(t, l, ca, HeadEnd, HeadEnd, nil)
		head.Subscribe(Prefix+"/+/state", 1, nil).Wait()
		if got := head.messages(); len(got) != 1 || got[0] != topic+" online retained=true" {
			t.Errorf("a late subscriber got %q", got)
		}
		m.Drop()
		synctest.Wait()
		if string(m.Retained(topic)) != "offline" {
			t.Errorf("after the cut the state is %q", m.Retained(topic))
		}
		// A client that says goodbye leaves no will.
		door = newProbe(t, l, ca, "d1", "d1", func(o *mqtt.ClientOptions) { o.SetWill(topic, "offline", 1, true) })
		door.Publish(topic, 1, true, "online").Wait()
		door.Disconnect(100)
		synctest.Wait()
		if string(m.Retained(topic)) != "online" {
			t.Errorf("after a goodbye the state is %q", m.Retained(topic))
		}
		// A silent client is dropped after one and a half keep-alives (§3.1.2.10).
		m.Publish(topic, 1, nil)
		c, _ := l.Dial(t.Context())
		cfg, _ := ca.Client("d1")
		tc := tls.Client(c, cfg)
		connect := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
		connect.ProtocolName, connect.ProtocolVersion, connect.ClientIdentifier, connect.CleanSession, connect.Keepalive = "MQTT", 4, "silent", true, 10
		connect.Write(tc)
		packets.ReadPacket(tc)
		begin := time.Now()
		if _, err := packets.ReadPacket(tc); err == nil || time.Since(begin) != 15*time.Second {
			t.Errorf("dropped after %v, %v", time.Since(begin), err)
		}
	})
}

func TestMiniFaults(t *testing.T) {
	inBubble(t, func(t *testing.T, m *Mini, l *Listener, ca *Authority) {
		head := newProbe(t, l, ca, HeadEnd, HeadEnd, nil)
		head.Subscribe(Prefix+"/+/events", 1, nil).Wait()
		door := newProbe(t, l, ca, "d1", "d1", nil)
		send := func(s string) mqtt.Token { return door.Publish(Prefix+"/d1/events", 1, false, s) }
		m.Swallow(1)
		if !send("swallowed").WaitTimeout(time.Second) {
			t.Error("a swallowed publish is not acknowledged")
		}
		m.Withhold(true)
		if send("withheld").WaitTimeout(time.Minute) {
			t.Error("a withheld PUBACK came")
		}
		m.Withhold(false)
		m.Duplicate(true)
		send("twice").Wait()
		m.Duplicate(false)
		m.Delay(time.Second)
		begin := time.Now()
		send("late").Wait()
		if time.Since(begin) != time.Second {
			t.Errorf("delayed by %v", time.Since(begin))
		}
		m.Delay(0)
		if got := head.messages(); len(got) != 4 { // withheld, twice, twice, late
			t.Errorf("got %q", got)
		}
		m.Stop()
		synctest.Wait()
		if c, err := l.Dial(t.Context()); err == nil {
			if _, err := c.Read(make([]byte, 1)); err == nil {
				t.Error("a stopped broker talks")
			}
		}
		if m.Connected() != 0 {
			t.Errorf("%d clients at a stopped broker", m.Connected())
		}
		m.Start()
		newProbe(t, l, ca, "d1", "d1", nil).Disconnect(100)
	})
}

// FuzzReadPacket: the broker's reader takes no packet larger than it announces,
// and never allocates what is only announced.
func FuzzReadPacket(f *testing.F) {
	f.Add([]byte{0x10, 0x0c, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 0})
	f.Add([]byte{0x30, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Add([]byte{0x82, 0x05, 0, 1, 0, 1, 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1 && b[1] >= 0x80 && len(b) < 1<<14 {
			// Long announcements without a body cost memory in the library; the
			// bound is tested below.
			return
		}
		r := bytes.NewReader(b)
		p, err := readPacket(r)
		if err == nil && p == nil {
			t.Fatal("neither packet nor error")
		}
	})
}

func TestReadPacketBound(t *testing.T) {
	if _, err := readPacket(bytes.NewReader([]byte{0x30, 0xff, 0xff, 0xff, 0x7f})); err == nil {
		t.Error("a packet of 256 MiB is taken")
	}
}
