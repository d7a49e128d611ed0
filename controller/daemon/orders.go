package daemon

import (
	"context"
	"errors"
	"time"

	"sekimori/controller/config"
	"sekimori/controller/door"
	"sekimori/controller/order"
	"sekimori/policy"
)

// enrolLimit is how long an enrolment may keep the roster to itself; the door's
// own limits are shorter.
const enrolLimit = 5 * time.Minute

// newInbox makes the folder's owner.
func (r *running) newInbox() (*order.Inbox, error) {
	keys, err := pin(r.Door.Keys)
	if err != nil {
		return nil, err
	}
	return order.New(order.Options{
		Dir:  InboxDir(r.Door),
		Here: order.Here{Door: r.Door.ID, Place: r.Door.Place},
		Keys: func() *order.Keys { return keys },
		Now:  func() policy.Instant { return r.clock.Now().Instant },
		Used: r.book.OrderUsed,
		Log:  r.Log,
	})
}

func pin(list []config.Key) (*order.Keys, error) {
	var keys []order.Key
	for _, k := range list {
		public, err := order.ParsePublicKey(k.Public)
		if err != nil {
			return nil, err
		}
		keys = append(keys, order.Key{Public: public, Holder: k.Holder, Role: order.Role(k.Role), From: k.From, To: k.To})
	}
	return order.PinKeys(keys)
}

// orders hands what the inbox verified to the loop, one at a time, and tells
// the inbox what became of it.
func (r *running) orders(ctx context.Context) error {
	for {
		select {
		case item := <-r.inbox.Items():
			if item.Refusal != nil {
				item.Done(r.refuse(item.Refusal, item.Count))
				continue
			}
			item.Done(r.carryOut(item.Order))
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *running) refuse(f *order.Refusal, count uint64) bool {
	return r.loop.Settled(door.Refused{Order: f.Order, Code: string(f.Code), Detail: f.Detail, Count: count})
}

// carryOut returns whether the outcome stands in the ledger; an order whose
// outcome does not comes again. So does one that changes the roster while an
// enrolment waits for its person: only the others, a lockdown above all, need
// not wait for him.
func (r *running) carryOut(o *order.Order) bool {
	act, extra, change, err := r.people.act(o, r.clock.Now().Instant)
	var refusal *order.Refusal
	switch {
	case errors.As(err, &refusal):
		return r.refuse(refusal, 1)
	case err != nil:
		return false
	}
	recorded := r.loop.Act(act, extra)
	if change != nil && !recorded {
		r.people.drop(change)
	}
	return recorded
}
