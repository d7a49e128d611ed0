package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sekimori/controller/config"
	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/controller/loop"
	"sekimori/controller/order"
	"sekimori/policy"
)

// State rows of the roster: the roster in force, whole, and what orders did to
// fingers ([order.Fingers]).
const (
	rosterName  = "roster"
	fingersName = "fingers"
)

// sensorPages bounds the pages that an enrolment may have: every module of the
// family holds at least as many (ZFM-20 162, R503 200).
const sensorPages = 162

// people owns the roster outside the door and turns verified orders into acts.
// The orders task prepares, the loop confirms. What an order makes of the
// roster is order.Apply's.
type people struct {
	sensors []event.Side // the sides that have one
	parse   func(file []byte) (policy.RosterData, error)

	mu      sync.Mutex // guards what follows; never held while a roster is worked on
	roster  *policy.Roster
	fingers order.Fingers
	on      unfinished
	next    *change // prepared by an order, in force once recorded
	first   turn
}

// turn keeps the order of orders that change the roster: one that had to wait
// goes before those that came after it. It ends by itself, because an order
// that waits may expire.
type turn struct {
	order string
	until time.Time
}

// turnLimit is well above the time after which the inbox tries an order again.
const turnLimit = 30 * time.Second

// change is what an order makes of the roster.
type change struct {
	order string
	ends  event.Kind // this kind, of this order, puts it in force
	order.Change
	begun time.Time
}

func newPeople(ro *policy.Roster, f order.Fingers, st door.State, sensors []event.Side) *people {
	return &people{sensors: sensors, parse: parseRoster, roster: ro, fingers: f, on: newUnfinished(st)}
}

// current is the roster in force.
func (p *people) current() *policy.Roster {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.roster
}

// recorded follows the events that the door follows; true if the roster is
// another one now. The loop calls it between a durable grant and its release.
func (p *people) recorded(ev event.Event) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on.follow(ev)
	c := p.next
	if c == nil || ev.Order != c.order {
		return false
	}
	switch ev.Kind {
	case c.ends:
		p.roster, p.fingers, p.next = c.Roster, c.Fingers, nil
		return true
	case event.EnrolmentFailed, event.OrderRefused:
		p.next = nil
	}
	return false
}

// drop forgets a prepared change that did not come to anything.
func (p *people) drop(c *change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == c {
		p.next = nil
	}
}

// errUnderWay: another change of the roster has no outcome yet, or an order
// that waited for one has its turn first.
var errUnderWay = errors.New("another change of the roster is under way")

// acts are the orders that this door carries out.
var acts = map[order.Act]door.ActKind{
	order.Lockdown: door.ActLockdown,
	order.Release:  door.ActRelease,
	order.Resecure: door.ActResecure,
	order.Reset:    door.ActReset,
	order.Enroll:   door.ActEnroll,
	order.Erase:    door.ActErase,
	order.Import:   door.ActImport,
}

// act turns a verified order into what the door does, with the rows that must
// stand in the same transaction as its outcome. The change is nil for an act
// that leaves the roster alone. The error is errUnderWay or an [order.Refusal].
func (p *people) act(o *order.Order, now policy.Instant) (door.Act, loop.Extra, *change, error) {
	act := door.Act{
		Kind: acts[o.Act], Order: o.ID.String(), Signer: o.Keys[0].Fingerprint(), Person: o.Person, Reason: o.Reason,
		Lockout: slices.Contains(o.Scope, order.ScopeLockout), Passback: slices.Contains(o.Scope, order.ScopePassback),
	}
	extra := loop.Extra{OrderID: act.Order, Order: o.Kept}
	before, site, err := p.site(o)
	if err != nil {
		return act, extra, nil, err
	}
	site.Now = policy.StampOf(now.Wall)
	done, err := order.Apply(before, o, site)
	if err != nil || done.Roster == nil {
		return act, extra, nil, err
	}
	c := &change{order: act.Order, ends: event.RosterChanged, Change: done, begun: time.Now()}
	if o.Act == order.Enroll {
		c.ends = event.BiometricEnrolled
	}
	extra.State = c.rows()
	act.Page, act.Roster, act.Before, act.After, act.Diff = c.Page, c.Roster, c.Before, c.After, c.Diff
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = c
	return act, extra, c, nil
}

// site is what the order meets. Only the orders task calls it, and the roster
// changes only by what that task prepared: what it gives stays true until the
// change is prepared.
func (p *people) site(o *order.Order) (*policy.Roster, order.Site, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o.Act.ChangesRoster() && !p.takeTurn(o.ID.String()) {
		return nil, order.Site{}, errUnderWay
	}
	s := order.Site{Busy: p.on.pages(p.sensors), Fingers: p.fingers, Parse: p.parse}
	if len(p.sensors) > 0 {
		s.Pages = sensorPages
	}
	return p.roster, s, nil
}

// takeTurn tells whether an order may change the roster now.
func (p *people) takeTurn(id string) bool {
	pending := p.next != nil && time.Since(p.next.begun) < enrolLimit
	waited := p.first.order != "" && time.Now().Before(p.first.until)
	switch {
	case waited && p.first.order != id:
		return false
	case pending:
		p.first = turn{id, time.Now().Add(turnLimit)}
		return false
	default:
		p.first = turn{}
		return true
	}
}

// parseRoster reads the file that an import carries. Its error says where the
// first fault is and nothing of the text there (P12).
func parseRoster(text []byte) (policy.RosterData, error) {
	data, err := config.ParseRoster("roster", text)
	var list config.Errors
	if errors.As(err, &list) && len(list) > 0 && list[0].Line > 0 {
		err = &policy.DataError{Path: fmt.Sprintf("line %d, column %d", list[0].Line, list[0].Column), Msg: "not a roster"}
	}
	return data, err
}

// rows are the change's state rows.
func (c *change) rows() map[string][]byte {
	rows := map[string][]byte{}
	for name, v := range map[string]any{rosterName: c.Roster.Data(), fingersName: c.Fingers} {
		b, err := json.Marshal(v)
		if err != nil {
			panic("daemon: internal error: state row " + name + " cannot be written: " + err.Error())
		}
		rows[name] = b
	}
	return rows
}
