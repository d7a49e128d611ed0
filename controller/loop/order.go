package loop

import (
	"encoding/json"
	"slices"

	"sekimori/controller/door"
	"sekimori/controller/event"
)

// settling is an order, or the refusal of one, whose sender waits until the
// door's answer stands in the ledger. What rides along stands in the same
// transaction as the events that name the order.
type settling struct {
	door.Input
	order   string
	extra   Extra
	durable bool
	took    chan bool
}

// Act hands over a verified order with its signed bytes and the state rows
// that it changes. It returns true once the door's answer (that the order was
// accepted, or refused) is durable, false if it could not be recorded or the
// loop has ended.
func (l *Loop) Act(act door.Act, extra Extra) bool {
	return l.settle(settling{Input: act, order: act.Order, extra: extra})
}

// Settled hands over the refusal of an order that was not believed, and returns
// as Act does.
func (l *Loop) Settled(in door.Refused) bool { return l.settle(settling{Input: in, order: in.Order}) }

func (l *Loop) settle(s settling) bool {
	s.took = make(chan bool, 1)
	l.Do(s)
	select {
	case ok := <-s.took:
		return ok
	case <-l.done:
		return false
	}
}

// ask notes an order on its way into the door.
func (l *Loop) ask(s settling) {
	l.asked = append(l.asked, s)
	if s.extra.OrderID != "" || s.extra.State != nil {
		l.extras[s.order] = s.extra
	}
}

// settled notes what a durable event says about an order, and forgets what
// rode along once nothing of it is awaited any more.
func (l *Loop) settled(ev *event.Event) {
	switch ev.Kind {
	case event.OrderAccepted, event.OrderRefused:
		i := slices.IndexFunc(l.asked, func(s settling) bool { return s.order == ev.Order && !s.durable })
		if i >= 0 {
			l.asked[i].durable = true
		}
		if ev.Kind == event.OrderRefused || l.extras[ev.Order].State == nil {
			delete(l.extras, ev.Order)
		}
	case event.RosterChanged, event.BiometricEnrolled, event.EnrolmentFailed:
		delete(l.extras, ev.Order)
	}
}

// answer tells the senders of those orders whose answer is durable.
func (l *Loop) answer() {
	wait := l.asked[:0]
	for _, s := range l.asked {
		if s.durable {
			s.took <- true
			continue
		}
		wait = append(wait, s)
	}
	l.asked = wait
}

// giveUp tells the other senders, at the end of a turn: nothing is on its way
// any more, and what is not durable now will not be.
func (l *Loop) giveUp() {
	for _, s := range l.asked {
		delete(l.extras, s.order)
		s.took <- false
	}
	l.asked = nil
}

// extra finds what rides along: an order's bytes with its acceptance, its
// state rows with the event that puts them in force, and from time to time the
// door's state as it was before these events.
func (l *Loop) extra(events []event.Event) Extra {
	var x Extra
	for i := range events {
		e, ok := l.extras[events[i].Order]
		if !ok {
			continue
		}
		if events[i].Kind == event.OrderAccepted {
			x.OrderID, x.Order = e.OrderID, e.Order
		}
		if changes(events[i].Kind) {
			x.State = e.State
		}
	}
	if l.last-l.saved >= stateEvery {
		row, err := json.Marshal(l.o.Door.State())
		if err != nil {
			panic("loop: internal error: the door's state cannot be written: " + err.Error())
		}
		rows := map[string][]byte{StateName: row}
		for k, v := range x.State {
			rows[k] = v
		}
		x.State = rows
		l.saved = l.last
	}
	return x
}

// changes tells the kinds that put an order's change of the roster in force.
func changes(k event.Kind) bool {
	return k == event.RosterChanged || k == event.BiometricEnrolled
}
