package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"

	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/controller/uplink"
	"sekimori/policy"
)

// newUplink connects the ledger and the inbox with the broker. What it learns
// goes to the loop as inputs; nothing of it can hold up the door.
func (r *running) newUplink() (*uplink.Uplink, error) {
	b := r.Door.Broker
	host, _, err := net.SplitHostPort(b.Address)
	if err != nil {
		return nil, fmt.Errorf("cannot use broker address %q: %w", b.Address, err)
	}
	key, err := secretPath(b.Key)
	if err != nil {
		return nil, err
	}
	return uplink.New(uplink.Options{
		Door:       r.Door.ID,
		Dial:       func(ctx context.Context) (net.Conn, error) { return r.host.Dial(ctx, b.Address) },
		TLS:        uplink.TLSFiles(r.Door.ID, host, b.CA, b.Cert, key),
		Ledger:     r.book,
		Orders:     r.inbox,
		Exact:      !b.Collector,
		Link:       func(up bool, reason string) { r.loop.Do(door.Link{Up: up, Reason: reason}) },
		AckRefused: r.ackRefused,
		Requested:  r.requested,
		Log:        r.Log,
	})
}

// ackRefused records an acknowledgement of what was never published. One of an
// event that the ledger never had means that the collector knows more than
// this box: its ledger was put back to an older state.
func (r *running) ackRefused(a uplink.RefusedAck) {
	ev := event.New(event.AckRefused)
	if a.Seq > a.Last {
		ev = event.New(event.LedgerRolledBack)
	}
	ev.Count = a.Count
	ev.Detail = fmt.Sprintf("acknowledged %d, published %d, last in the ledger %d", a.Seq, a.Published, a.Last)
	r.loop.Do(door.Observed{Event: ev})
}

func (r *running) requested(id string, err error) {
	out := door.Requested{ID: id}
	if err != nil {
		out.Err = err.Error()
	}
	r.loop.Do(out)
}

// requests carries permission requests to the broker. It never waits: the loop
// calls it.
type requests struct{ *running }

var errNoBroker = errors.New("this door has no broker")

func (q requests) Publish(req door.Request) error {
	if q.uplink == nil {
		return errNoBroker
	}
	now := event.At(q.clock.Now().Wall)
	until := event.At(now.Add(req.Expires))
	return q.uplink.Request(uplink.Request{
		ID: req.ID, Place: string(q.Door.Place), Side: event.SideOf(req.Side), Person: string(req.Person),
		Badge: string(req.Badge), Post: string(req.Post), Wire: req.Wire, Proof: req.Proof,
		At: &now, Expires: &until,
	}, req.Expires)
}

// Withdraw is best effort: who misses it sees the request expire.
func (q requests) Withdraw(id string, reason policy.Reason) {
	if q.uplink == nil {
		return
	}
	if err := q.uplink.Withdraw(id, string(q.Door.Place), string(reason)); err != nil {
		q.Log.Debug("request not withdrawn", "request", id, "err", err)
	}
}
