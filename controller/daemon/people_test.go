package daemon

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/controller/order"
	"sekimori/policy"
)

// rosterOf writes a roster file of these persons.
func rosterOf(ids ...string) []byte {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, "[[persons]]\nid = %q\nname = \"x\"\nkana = \"x\"\naffiliation = \"a\"\ncategory = \"employee\"\nstanding = \"active\"\nfrom = \"2015-04-01T00:00:00+09:00\"\n\n", id)
	}
	return []byte(b.String())
}

func anOrder(a order.Act, person policy.PersonID) *order.Order {
	return &order.Order{Document: order.Document{ID: order.NewID(), Act: a, Person: person, Keys: make([]order.KeyID, 1)}, Kept: []byte("signed")}
}

func anImport(file []byte) *order.Order {
	o := anOrder(order.Import, "")
	o.Payload = file
	return o
}

func strangers(sensors ...event.Side) *people {
	return newPeople(&policy.Roster{}, order.Fingers{}, door.State{}, sensors)
}

func (p *people) try(o *order.Order) (door.Act, *change, error) {
	act, _, c, err := p.act(o, policy.Instant{Wall: time.Now(), Trusted: true})
	return act, c, err
}

// does carries an order out to its end.
func does(t *testing.T, p *people, o *order.Order) door.Act {
	t.Helper()
	act, c, err := p.try(o)
	if err != nil {
		t.Fatal(err)
	}
	if c != nil && !p.recorded(event.Event{Kind: c.ends, Order: c.order}) {
		t.Fatal("not in force")
	}
	return act
}

func refused(err error) order.Code {
	var r *order.Refusal
	if !errors.As(err, &r) {
		return ""
	}
	return r.Code
}

// TestP12PagesStillToBeErased: an enrolment never chooses a page that holds a
// template to be erased, and no import names one; a sensor that is no longer
// fitted blocks nothing.
func TestP12PagesStillToBeErased(t *testing.T) {
	p := strangers("entry")
	does(t, p, anImport(rosterOf("x", "y")))
	pending := func(k event.Kind, side event.Side, page int) {
		p.recorded(event.Event{Seq: 1, Kind: k, Side: side, Diff: map[string]int{"page": page}})
	}
	pending(event.BiometricPending, "entry", 0)
	pending(event.BiometricPending, "exit", 1)
	if act := does(t, p, anOrder(order.Enroll, "x")); act.Page != 1 {
		t.Errorf("page %d was chosen", act.Page)
	}
	wanted := uint16(0)
	o := anOrder(order.Enroll, "y")
	o.Page = &wanted
	if _, _, err := p.try(o); refused(err) != order.Impossible {
		t.Errorf("a page to be erased: %v", err)
	}
	pending(event.BiometricErased, "entry", 0)
	if act := does(t, p, anOrder(order.Enroll, "y")); act.Page != 0 {
		t.Errorf("page %d was chosen once page 0 was erased", act.Page)
	}
}

// TestP5EnrolledPageAcrossImports: the door's own rows follow the orders, also
// across a restart.
func TestP5EnrolledPageAcrossImports(t *testing.T) {
	p := strangers("entry")
	steps := []*order.Order{
		anImport(rosterOf("x", "y")), anOrder(order.Enroll, "x"), anImport(rosterOf("y")),
		anOrder(order.Enroll, "y"), anImport(rosterOf("x", "y")),
	}
	for _, o := range steps {
		_, c, err := p.try(o)
		if err != nil {
			t.Fatal(err)
		}
		p.recorded(event.Event{Kind: c.ends, Order: c.order})
		m := memory{rows: map[string]string{rosterName: "", fingersName: ""}}
		rows := c.rows()
		if err := m.people(rows[rosterName], rows[fingersName]); err != nil {
			t.Fatal(err)
		}
		p = newPeople(m.roster, m.fingers, door.State{}, p.sensors)
	}
	if id, ok := p.current().PageOwner(0); !ok || id != "y" {
		t.Errorf("page 0 is %q's; y's finger is there", id)
	}
	if n := len(p.current().Data().Fingers); n != 1 {
		t.Errorf("%d fingers", n)
	}
}

// TestP1LoopDoesNotWaitForARoster: the loop hears of a grant while a city's
// roster is read.
func TestP1LoopDoesNotWaitForARoster(t *testing.T) {
	p := strangers()
	read := 0
	p.parse = func(b []byte) (policy.RosterData, error) {
		read++
		p.recorded(event.Event{Kind: event.AccessGranted}) // would wait for ever
		return parseRoster(b)
	}
	does(t, p, anImport(rosterOf("x")))
	if read != 1 {
		t.Errorf("read %d times", read)
	}
}

// TestP12BadRosterSaysNothing: the refusal of an import names the place and
// nothing that stands there.
func TestP12BadRosterSaysNothing(t *testing.T) {
	p := strangers()
	file := append(rosterOf("x"), "[[badges]]\nid = \"b-1\"\nnumber = \"98765\"\nperson = \"x\"\nstate = \"98765\"\n"...)
	_, _, err := p.try(anImport(file))
	if refused(err) != order.BadPayload || strings.Contains(err.Error(), "98765") || !strings.Contains(err.Error(), "line 14") {
		t.Errorf("%v", err)
	}
}

// TestRosterOrdersKeepTheirOrder: while an enrolment runs, what changes the
// roster waits and keeps its place; everything else passes.
func TestRosterOrdersKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := strangers("entry")
		does(t, p, anImport(rosterOf("x")))
		_, c, err := p.try(anOrder(order.Enroll, "x"))
		if err != nil {
			t.Fatal(err)
		}
		first, second := anImport(rosterOf("x", "y")), anOrder(order.Enroll, "y")
		waits := func(o *order.Order) {
			t.Helper()
			if _, _, err := p.try(o); !errors.Is(err, errUnderWay) {
				t.Errorf("%s: %v", o.Act, err)
			}
		}
		waits(first)
		waits(second)
		for _, a := range []order.Act{order.Lockdown, order.Release, order.Resecure, order.Reset} {
			does(t, p, anOrder(a, "x"))
		}
		p.recorded(event.Event{Kind: event.EnrolmentFailed, Order: c.order})
		waits(second)
		does(t, p, first)
		does(t, p, second)

		// One that never comes back holds nobody up for ever.
		_, c, err = p.try(anOrder(order.Enroll, "x"))
		if err != nil {
			t.Fatal(err)
		}
		waits(anOrder(order.Erase, "x"))
		p.recorded(event.Event{Kind: event.OrderRefused, Order: c.order})
		waits(anOrder(order.Erase, "y"))
		time.Sleep(turnLimit)
		does(t, p, anOrder(order.Erase, "y"))
	})
}
