package portal

import (
	"fmt"
	"time"
)

// change is something that an onlooker sees: a word of [Options.OnChange], when.
type change struct {
	what string
	at   time.Time
}

// The words of a change.
const (
	boltReleased     = "released"
	boltSecured      = "secured"
	leafOpened       = "open"
	leafClosed       = "closed"
	relayEnergised   = "energised"
	relayDeenergised = "de-energised"
)

// The inputs whose wires lead to the box, by the names of a door's
// configuration. What each is about is true or false ("something is the
// matter"): the leaf is open, the bolt is not home, the handle is turned, …
const (
	DoorContact  = "door_contact"
	BoltContact  = "bolt_contact"
	HandleSwitch = "handle_switch"
	ExitButton   = "exit_button"
	FireContact  = "fire"
	Tamper       = "tamper"
	Motion       = "motion"
	LockSupply   = "lock_supply"
)

var inputNames = []string{DoorContact, BoltContact, HandleSwitch, ExitButton, FireContact, Tamper, Motion, LockSupply}

// fault of a wire.
type fault uint8

const (
	wireSound fault = iota
	wireCut
	wireShorted
)

// circuit is the doorway. It is pure: every method takes the time, which never
// goes back. Call advance first.
type circuit struct {
	opt Options

	supplyLock, supplyBox bool
	energised             bool // the relay's coil, as the box's pin drives it
	fire                  bool
	// Held until these times; zero: not.
	handle, key, exit, motion time.Time

	leafOpen bool
	boltOut  bool
	boltDue  time.Time // the coil's pull or spring gets it to the other end
	jammed   bool      // the coil cannot move the bolt

	contactOpen bool        // the door contact, which bounces after the leaf
	bounces     []time.Time // when it toggles next
	wires       map[string]fault

	changes []change
}

func newCircuit(opt Options) *circuit {
	return &circuit{opt: opt, supplyLock: true, supplyBox: true, boltOut: true, wires: map[string]fault{}}
}

// next is when something happens by itself; zero: never.
func (c *circuit) next() (first time.Time) {
	due := []time.Time{c.handle, c.key, c.exit, c.motion, c.boltDue}
	if len(c.bounces) > 0 {
		due = append(due, c.bounces[0])
	}
	for _, t := range due {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// advance lets everything happen that is due until now, in its order.
func (c *circuit) advance(now time.Time) {
	for t := c.next(); !t.IsZero() && !t.After(now); t = c.next() {
		for _, held := range []*time.Time{&c.handle, &c.key, &c.exit, &c.motion} {
			if held.Equal(t) {
				*held = time.Time{}
			}
		}
		for len(c.bounces) > 0 && c.bounces[0].Equal(t) {
			c.contactOpen = !c.contactOpen
			c.bounces = c.bounces[1:]
		}
		if c.boltDue.Equal(t) {
			c.boltDue = time.Time{}
			c.moveBolt(t, !c.boltOut)
		}
		c.settle(t)
	}
	c.settle(now)
}

// coilPowered is the lock line.
func (c *circuit) coilPowered() bool {
	relay := c.energised && c.supplyBox
	pressed := !c.exit.IsZero()
	if c.opt.FailSafe {
		return c.supplyLock && !relay && !pressed && !c.fire
	}
	return c.supplyLock && (relay || pressed || c.fire)
}

// settle starts what the state asks of the bolt.
func (c *circuit) settle(now time.Time) {
	if !c.handle.IsZero() || !c.key.IsZero() { // by hand, at once
		c.boltDue = time.Time{}
		c.moveBolt(now, false)
		return
	}
	out := c.coilPowered() == c.opt.FailSafe
	switch {
	case c.jammed, out == c.boltOut, out && c.leafOpen: // a dead bolt waits for the leaf
		c.boltDue = time.Time{}
	case c.boltDue.IsZero():
		c.boltDue = now.Add(c.opt.BoltTravel)
	}
}

func (c *circuit) moveBolt(now time.Time, out bool) {
	if c.boltOut == out {
		return
	}
	c.boltOut = out
	if out {
		c.tell(boltSecured, now)
	} else {
		c.tell(boltReleased, now)
	}
}

func (c *circuit) tell(what string, at time.Time) { c.changes = append(c.changes, change{what, at}) }

// swing moves the leaf and lets its contact bounce.
func (c *circuit) swing(now time.Time, open bool) {
	if c.leafOpen == open {
		return
	}
	c.leafOpen = open
	if open {
		c.tell(leafOpened, now)
	} else {
		c.tell(leafClosed, now)
	}
	c.contactOpen = open
	c.bounces = nil
	for at, i := now, 0; i+1 < len(c.opt.Bounce); i += 2 { // pairs: it ends where it began
		for _, d := range c.opt.Bounce[i : i+2] {
			at = at.Add(d)
			c.bounces = append(c.bounces, at)
		}
	}
}

// open is somebody at the leaf, without force.
func (c *circuit) open(now time.Time) error {
	switch {
	case c.leafOpen:
		return fmt.Errorf("cannot open the leaf: it is open")
	case c.boltOut:
		return fmt.Errorf("cannot open the leaf: it is locked")
	}
	c.swing(now, true)
	return nil
}

// drive is the relay's coil.
func (c *circuit) drive(now time.Time, energised bool) {
	if c.energised == energised {
		return
	}
	c.energised = energised
	if energised {
		c.tell(relayEnergised, now)
	} else {
		c.tell(relayDeenergised, now)
	}
	c.settle(now)
}

// matter is what an input is about.
func (c *circuit) matter(name string) bool {
	switch name {
	case DoorContact:
		return c.contactOpen
	case BoltContact:
		return !c.boltOut // of the bolt itself: a forced leaf leaves it where it was
	case HandleSwitch:
		return !c.handle.IsZero()
	case ExitButton:
		return !c.exit.IsZero()
	case FireContact:
		return c.fire
	case Motion:
		return !c.motion.IsZero()
	case LockSupply:
		return !c.supplyLock
	}
	return false // the tamper contact has only its wire
}

// loopClosed is what the box's wire sees of an input.
func (c *circuit) loopClosed(name string) bool {
	switch c.wires[name] {
	case wireCut:
		return false
	case wireShorted:
		return true
	}
	return c.matter(name) == c.opt.NormallyOpen[name]
}
