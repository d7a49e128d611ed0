package config

import (
	"fmt"
	"strings"
	"time"

	"sekimori/policy"
)

// wiring refuses a door that would shut people in, that would stand open by
// itself, or whose parts contradict each other. Each part was checked alone
// before.
func (c *doorChecker) wiring(d *Door) {
	c.egressWiring(d)
	if d.Lock.Kind == "fail_secure" && d.Lock.Contact == "NC" {
		c.fault("lock.contact", "a fail-secure lock (通電時解錠) over NC is energised, and so open, whenever the relay rests; use NO")
	}
	if d.Lock.Kind == "fail_safe" && d.Lock.Contact == "NO" {
		c.fault("lock.contact", "a fail-safe lock (通電時施錠) over NO is without power, and so open, whenever the relay rests; use NC")
	}
	if d.Lock.Kind == "fail_safe" && d.Lock.Drive == "pulse" {
		c.fault("lock.drive", "a fail-safe lock is held by its power: pulse does not fit it")
	}
	if _, ok := d.Input("door_contact"); !ok {
		c.fault("inputs", "no door_contact: a door that cannot be seen cannot be guarded (IEC 60839-11-1 table 2 line 20)")
	}
	if d.Lock.Kind == "fail_secure" {
		if _, ok := d.Input("bolt_contact"); !ok {
			c.fault("inputs", "no bolt_contact: a bolt that does not come home would not be seen")
		}
	}
	c.pinsOnce(d)
	c.devicesOnce(d)
}

func (c *doorChecker) egressWiring(d *Door) {
	if !d.Egress.Mechanical {
		c.fault("egress.mechanical", "nobody may be shut in: the inside handle or the exit button must act in the lock line or on the bolt itself, without this box; say mechanical = true once it does")
	}
	if d.Egress.Sense != "none" {
		if _, ok := d.Input(d.Egress.Sense); !ok {
			c.fault("egress.sense", "no input is named %s", d.Egress.Sense)
		}
	}
	for name, cut := range map[string]string{
		"fire":         "fire",
		"door_contact": "an open leaf",
		"bolt_contact": "a bolt that is not home",
		"tamper":       "an opened box",
		"lock_supply":  "a supply that failed",
	} {
		if in, ok := d.Input(name); ok && in.Loop != "NC" {
			c.fault("inputs."+name+".loop", "must be NC, so that a cut wire reads as %s and never as all well", cut)
		}
	}
	if d.Egress.EscapeDoor && d.Lock.Kind == "fail_secure" && d.Egress.Sense == "none" {
		c.fault("egress.sense", "an escape door with a fail-secure lock needs its handle or button seen, so that an escape is not taken for a forced door")
	}
}

func (c *doorChecker) pinsOnce(d *Door) {
	used := map[Pin]string{d.Lock.Pin: "lock.pin"}
	claim := func(key string, p Pin) {
		if other, ok := used[p]; ok && p.Chip != "" {
			c.fault(key, "line %d of %s is %s already", p.Line, p.Chip, other)
		}
		used[p] = key
	}
	for _, in := range d.Inputs {
		claim("inputs."+in.Name+".pin", in.Pin)
	}
	for i, s := range d.Sensors {
		if s.Touch != nil {
			claim(fmt.Sprintf("sensors.%d.touch", i), *s.Touch)
		}
	}
}

func (c *doorChecker) devicesOnce(d *Door) {
	names := map[string]bool{}
	for _, n := range inputNames {
		names[n] = true // a reader of that name would hide the contact
	}
	ports := map[string]string{}
	readers, sensors := map[policy.Side]bool{}, map[policy.Side]bool{}
	for i, r := range d.Readers {
		if readers[r.Side] {
			c.fault(fmt.Sprintf("readers.%d.side", i), "the %s side has a reader already; one daemon guards one doorway", r.Side)
		}
		if names[r.Name] {
			c.fault(fmt.Sprintf("readers.%d.name", i), "%q is used twice, or is the name of an input", r.Name)
		}
		readers[r.Side], names[r.Name] = true, true
	}
	for i, s := range d.Sensors {
		if sensors[s.Side] {
			c.fault(fmt.Sprintf("sensors.%d.side", i), "the %s side has a sensor already", s.Side)
		}
		if names[s.Name] {
			c.fault(fmt.Sprintf("sensors.%d.name", i), "%q is used twice, or is the name of an input", s.Name)
		}
		if other, ok := ports[s.Port]; ok {
			c.fault(fmt.Sprintf("sensors.%d.port", i), "port %s carries the sensor %s already", s.Port, other)
		}
		ports[s.Port] = s.Name
		for _, r := range d.Readers {
			if r.Port == s.Port {
				c.fault(fmt.Sprintf("sensors.%d.port", i), "port %s carries the OSDP reader %s; a sensor needs a port of its own", s.Port, r.Name)
			}
		}
		sensors[s.Side], names[s.Name] = true, true
	}
}

// Input finds a contact by name.
func (d *Door) Input(name string) (Input, bool) {
	for _, in := range d.Inputs {
		if in.Name == name {
			return in, true
		}
	}
	return Input{}, false
}

// Fit refuses a door whose place's rules ask for a device that it does not
// have: a place that demands a finger without a sensor would refuse everybody.
func (d *Door) Fit(rb *policy.Rulebook) error {
	s, err := read(d.File)
	if err != nil {
		return err
	}
	rule, ok := rb.Place(d.Place)
	if !ok {
		s.fault("door.place", "the rulebook has no place %q", d.Place)
		return s.err()
	}
	if !d.hasReader(policy.Entry) {
		s.fault("readers", "place %s is entered by badge, and the entry side has no reader", d.Place)
	}
	for _, side := range []policy.Side{policy.Entry, policy.Exit} {
		// A side without a reader is left by the handle and asks for nothing.
		if rule.Side(side).Finger && d.hasReader(side) && !d.hasSensor(side) {
			s.fault("sensors", "place %s asks for a finger on the %s side, which has no sensor", d.Place, side)
		}
	}
	return s.err()
}

func (d *Door) hasReader(side policy.Side) bool {
	for _, r := range d.Readers {
		if r.Side == side {
			return true
		}
	}
	return false
}

func (d *Door) hasSensor(side policy.Side) bool {
	for _, s := range d.Sensors {
		if s.Side == side {
			return true
		}
	}
	return false
}

// ReleaseBound is the longest time that a release can last: in our own code,
// and when the process dies with the relay energised (P3). Without a bound of
// the second kind the word is unbounded.
func (d *Door) ReleaseBound(configured time.Duration) (own time.Duration, dead string) {
	switch d.Lock.BoundedBy {
	case "supervisor":
		return configured, (configured + d.Lock.Bound).String()
	case "module":
		return configured, min(configured, d.Lock.Bound).String()
	default:
		return configured, "unbounded"
	}
}

// WiringLine is one row of the wiring table, in both languages.
type WiringLine struct{ Japanese, English string }

// Wiring describes how the lock and the contacts must be wired.
func (d *Door) Wiring() []WiringLine {
	lockJa, lockEn := "通電時解錠(停電時は施錠のまま)", "fail-secure: energise to unlock, stays locked without power"
	if d.Lock.Kind == "fail_safe" {
		lockJa, lockEn = "通電時施錠(停電時は解錠)", "fail-safe: energise to lock, opens without power"
	}
	out := []WiringLine{
		{"錠: " + lockJa, "lock: " + lockEn},
		{
			fmt.Sprintf("リレー接点: %s、線 %s/%d(休止時=外から施錠)", d.Lock.Contact, d.Lock.Pin.Chip, d.Lock.Pin.Line),
			fmt.Sprintf("relay contact: %s on %s line %d (at rest = secured from outside)", d.Lock.Contact, d.Lock.Pin.Chip, d.Lock.Pin.Line),
		},
		{"内側ハンドル・退室ボタン・火災接点は錠の線に直接入れる", "inside handle, exit button and fire contact act in the lock line itself"},
	}
	for _, in := range d.Inputs {
		sup := "unsupervised"
		if in.Supervised {
			sup = "supervised"
		}
		out = append(out, WiringLine{
			fmt.Sprintf("入力 %s: %s、線 %s/%d、%s", in.Name, in.Loop, in.Pin.Chip, in.Pin.Line, map[bool]string{true: "監視あり", false: "断線監視なし"}[in.Supervised]),
			fmt.Sprintf("input %s: %s loop on %s line %d, %s", in.Name, in.Loop, in.Pin.Chip, in.Pin.Line, sup),
		})
	}
	return out
}

// CheckTogether refuses two doors of one place: they share who is inside,
// which two boxes cannot yet.
func CheckTogether(doors []*Door) error {
	var faults []string
	at := map[policy.PlaceID]string{}
	for _, d := range doors {
		if other, ok := at[d.Place]; ok {
			faults = append(faults, fmt.Sprintf("%s: place %s has a door already (%s): who is inside cannot be shared between boxes yet", d.File, d.Place, other))
		}
		at[d.Place] = d.File
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s", strings.Join(faults, "\n"))
	}
	return nil
}
