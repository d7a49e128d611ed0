package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestDeskRights: the rules as NATS subjects, each door its own.
func TestDeskRights(t *testing.T) {
	d := user("d1")
	if want := []string{"sekimori.v1.d1.events", "sekimori.v1.d1.state", "sekimori.v1.d1.requests", "sekimori.v1.d1.checkpoints"}; !slices.Equal(d.Permissions.Publish.Allow, want) {
		t.Errorf("a door may publish %v", d.Permissions.Publish.Allow)
	}
	if want := []string{"sekimori.v1.d1.orders", "sekimori.v1.d1.acks", "sekimori.v1.d1.replay"}; !slices.Equal(d.Permissions.Subscribe.Allow, want) {
		t.Errorf("a door may subscribe to %v", d.Permissions.Subscribe.Allow)
	}
	if h := user(HeadEnd); h.Username != "CN="+HeadEnd || len(h.Permissions.Publish.Allow) != 3 || h.Permissions.Subscribe.Allow[0] != "sekimori.v1.*.events" {
		t.Errorf("the head end: %+v, %+v", h.Permissions.Publish, h.Permissions.Subscribe)
	}
	for _, id := range []string{"", HeadEnd, "a.b", "a/b", "a*", "a>", "+"} {
		if _, err := deskOptions(DeskConfig{Addr: "127.0.0.1:0", Doors: []string{id}}); err == nil {
			t.Errorf("door %q is taken", id)
		}
	}
}

// TestDesk runs the embedded broker once in this process: a collector and a
// door over real sockets, with certificates from files.
func TestDesk(t *testing.T) {
	ca, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	files, err := ca.Write(t.TempDir(), ServerName)
	if err != nil {
		t.Fatal(err)
	}
	server, err := ReadServer(files)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel()
	ready := make(chan string, 1)
	tasks.Go(func() {
		err := RunDesk(ctx, DeskConfig{
			Addr: "127.0.0.1:0", Store: t.TempDir(), TLS: server, Doors: []string{"d1"}, Ready: func(a string) { ready <- a },
		})
		if err != nil {
			t.Error(err)
			cancel()
		}
	})
	var addr string
	select {
	case addr = <-ready:
	case <-ctx.Done():
		t.Fatal("the broker did not start")
	}
	dial := func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}
	head, err := ca.Client(HeadEnd)
	if err != nil {
		t.Fatal(err)
	}
	c := NewCollector(CollectorOptions{Dial: dial, TLS: head})
	tasks.Go(func() { c.Run(ctx) })
	if err := c.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	clientFiles, err := ca.Write(t.TempDir(), "d1")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := ReadClient(clientFiles)
	if err != nil {
		t.Fatal(err)
	}
	door := dialProbe(t, func() (net.Conn, error) { return dial(ctx) }, cfg, "d1", nil)
	defer door.Disconnect(100)
	for i := range 20 {
		door.Publish(Prefix+"/d1/events", 1, false, fmt.Sprintf(`{"seq":%d}`, i+1)).Wait()
	}
	if err := c.Wait(ctx, "d1", 20); err != nil {
		t.Fatal(err)
	}
}

// TestCollectorOrder: repeats are dropped, disorder is put in order, the same
// number with another body is noticed.
func TestCollectorOrder(t *testing.T) {
	c := NewCollector(CollectorOptions{})
	for _, seq := range []uint64{3, 1, 1, 2, 5, 2, 0, 4, 5} {
		c.keep("d1", seq, fmt.Appendf(nil, `{"seq":%d}`, seq))
	}
	c.keep("d1", 2, []byte(`{"seq":2,"kind":"other"}`))
	events := c.Events("d1")
	if len(events) != 5 || c.Highest("d1") != 5 {
		t.Fatalf("%d events", len(events))
	}
	for i, e := range events {
		var head struct{ Seq int }
		if json.Unmarshal(e, &head) != nil || head.Seq != i+1 {
			t.Errorf("event %d is %s", i+1, e)
		}
	}
	if repeats, forged := c.Repeats("d1"); repeats != 4 || forged != 1 {
		t.Errorf("%d repeats, %d forged", repeats, forged)
	}
}
