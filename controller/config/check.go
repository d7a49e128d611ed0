package config

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"sekimori/policy"
)

// names become topic levels, certificate names and file names: no slash, no
// wildcard, no dot (a broker may give a dot in a topic a meaning of its own).
var name = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// doorChecker turns the raw file into a checked one, noting every fault.
type doorChecker struct {
	*source
	raw *rawDoor
	dir string
}

func (c *doorChecker) path(p string) string {
	if p == "" || filepath.IsAbs(p) || strings.HasPrefix(p, "credential:") {
		return p
	}
	return filepath.Join(c.dir, p)
}

func (c *doorChecker) name(key, v string) string {
	if !name.MatchString(v) {
		c.fault(key, "%q is not a name: small letters, digits, - and _, at most 63", v)
	}
	return v
}

func (c *doorChecker) oneOf(key, v, fallback string, allowed ...string) string {
	if v == "" && fallback != "" {
		return fallback
	}
	if !slices.Contains(allowed, v) {
		c.fault(key, "%q is not one of %s", v, strings.Join(allowed, ", "))
	}
	return v
}

func (c *doorChecker) span(key string, v Duration, fallback, lo, hi time.Duration) time.Duration {
	d := time.Duration(v)
	if d == 0 {
		d = fallback
	}
	if d < lo || d > hi {
		c.fault(key, "%v is not between %v and %v", d, lo, hi)
	}
	return d
}

func (c *doorChecker) need(key, v string) {
	if v == "" {
		c.fault(key, "missing")
	}
}

func (c *doorChecker) pin(key string, p rawPin) Pin {
	if p.Chip == "" || p.Line == nil {
		c.fault(key, "needs { chip = \"LABEL\", line = NUMBER }")
		return Pin{}
	}
	if *p.Line < 0 || *p.Line > 1023 {
		c.fault(key+".line", "%d is not a line number", *p.Line)
	}
	return Pin{Chip: p.Chip, Line: *p.Line}
}

func (c *doorChecker) side(key, v string) policy.Side {
	switch v {
	case "entry":
		return policy.Entry
	case "exit":
		return policy.Exit
	default:
		c.fault(key, "%q is not entry or exit", v)
		return 0
	}
}

func (c *doorChecker) head(d *Door) {
	r := &c.raw.Door
	d.ID = c.name("door.id", r.ID)
	d.Place = policy.PlaceID(c.name("door.place", r.Place))
	c.need("door.state", r.State)
	c.need("door.rulebook", r.Rulebook)
	d.State, d.Rulebook = c.path(r.State), c.path(r.Rulebook)
	d.Clock.RTC = c.raw.Clock.RTC
	d.Clock.Sync = c.oneOf("clock.sync", c.raw.Clock.Sync, "ntp", "ntp", "none")
	d.Retention = 7 // as the operation history of Article 7
	if years := c.raw.Ledger.RetentionYears; years != nil {
		if d.Retention = *years; d.Retention < 1 || d.Retention > 10 {
			c.fault("ledger.retention_years", "%d is not between 1 and 10", d.Retention)
		}
	}
}

func (c *doorChecker) egress(d *Door) {
	r := &c.raw.Egress
	d.Egress = Egress{
		Sense:      c.oneOf("egress.sense", r.Sense, "", "handle_switch", "motion", "exit_button", "none"),
		Window:     c.span("egress.window", r.Window, 5*time.Second, time.Second, 30*time.Second),
		Mechanical: r.Mechanical,
		EscapeDoor: r.EscapeDoor,
	}
}

func (c *doorChecker) lock(d *Door) {
	r := &c.raw.Lock
	d.Lock = Lock{
		Pin:       c.pin("lock.pin", r.Pin),
		Kind:      c.oneOf("lock.kind", r.Kind, "", "fail_secure", "fail_safe"),
		Contact:   c.oneOf("lock.contact", r.Contact, "", "NO", "NC"),
		Drive:     c.oneOf("lock.drive", r.Drive, "hold", "hold", "pulse"),
		Relock:    c.oneOf("lock.relock", r.Relock, "on_open", "on_open", "after_release"),
		ActiveLow: r.ActiveLow,
		BoundedBy: c.oneOf("lock.bounded_by", r.BoundedBy, "", "supervisor", "module", "none"),
	}
	if d.Lock.Drive == "pulse" {
		d.Lock.Pulse = c.span("lock.pulse", r.Pulse, 500*time.Millisecond, 50*time.Millisecond, 5*time.Second)
	}
	if d.Lock.BoundedBy != "none" {
		d.Lock.Bound = c.span("lock.bound", r.Bound, 5*time.Second, 100*time.Millisecond, time.Minute)
	}
	if c.oneOf("lock.boot_idle", r.BootIdle, "", "inactive", "active") == "active" {
		c.fault("lock.boot_idle", "this output idles active while the box boots: the door would stand open after every power cut; use a line that idles inactive")
	}
}

// inputNames are the contacts that this door can have, in print order.
var inputNames = []string{"door_contact", "bolt_contact", "handle_switch", "exit_button", "motion", "fire", "tamper", "lock_supply"}

func (c *doorChecker) inputs(d *Door) {
	for key := range maps.Keys(c.raw.Inputs) {
		if !slices.Contains(inputNames, key) {
			c.fault("inputs."+key, "unknown input; known are %s", strings.Join(inputNames, ", "))
		}
	}
	for _, n := range inputNames {
		r, ok := c.raw.Inputs[n]
		if !ok {
			continue
		}
		key := "inputs." + n
		d.Inputs = append(d.Inputs, Input{
			Name:       n,
			Pin:        c.pin(key+".pin", r.Pin),
			Loop:       c.oneOf(key+".loop", r.Loop, "", "NC", "NO"),
			Pull:       c.oneOf(key+".pull", r.Pull, "up", "up", "down"),
			Debounce:   c.span(key+".debounce", r.Debounce, 50*time.Millisecond, 5*time.Millisecond, 99*time.Millisecond),
			Supervised: r.Supervised,
		})
	}
}

func (c *doorChecker) ports(d *Door) {
	seen := map[string]bool{}
	for i, r := range c.raw.Ports {
		key := fmt.Sprintf("ports.%d", i)
		p := Port{
			Name:  c.name(key+".name", r.Name),
			Path:  r.Path,
			Baud:  r.Baud,
			RS485: c.oneOf(key+".rs485", r.RS485, "auto", "auto", "kernel", "none"),
		}
		c.need(key+".path", r.Path)
		if !slices.Contains([]int{9600, 19200, 38400, 57600, 115200, 230400}, r.Baud) {
			c.fault(key+".baud", "%d is not a speed that readers use", r.Baud)
		}
		if seen[p.Name] || seen[p.Path] {
			c.fault(key+".name", "port %s is listed twice", p.Name)
		}
		seen[p.Name], seen[p.Path] = true, true
		d.Ports = append(d.Ports, p)
	}
}

func (c *doorChecker) port(key, v string) {
	for _, p := range c.raw.Ports {
		if p.Name == v {
			return
		}
	}
	c.fault(key, "no port is named %q", v)
}

func (c *doorChecker) readers(d *Door) {
	type spot struct {
		port string
		addr int
	}
	at := map[spot]string{}
	for i, r := range c.raw.Readers {
		key := fmt.Sprintf("readers.%d", i)
		c.port(key+".port", r.Port)
		c.need(key+".key", r.Key)
		if r.Address < 0 || r.Address > 0x7E {
			c.fault(key+".address", "%d is not an OSDP address (0 to 126)", r.Address)
		}
		if other, ok := at[spot{r.Port, r.Address}]; ok {
			c.fault(key+".address", "address %d on port %s is %s's", r.Address, r.Port, other)
		}
		at[spot{r.Port, r.Address}] = r.Name
		d.Readers = append(d.Readers, Reader{
			Name: c.name(key+".name", r.Name), Side: c.side(key+".side", r.Side), Port: r.Port,
			Address: byte(r.Address), KeyFile: c.path(r.Key), Identity: r.Identity, Format: r.Format,
			Poll:   c.span(key+".poll", r.Poll, 50*time.Millisecond, 10*time.Millisecond, time.Second),
			Inside: r.Inside,
		})
		c.need(key+".format", r.Format)
	}
}

func (c *doorChecker) sensors(d *Door) {
	for i, r := range c.raw.Sensors {
		key := fmt.Sprintf("sensors.%d", i)
		c.port(key+".port", r.Port)
		c.need(key+".password", r.Password)
		s := Sensor{
			Name: c.name(key+".name", r.Name), Side: c.side(key+".side", r.Side), Port: r.Port,
			PasswordFile: c.path(r.Password), Identity: r.Identity, MinScore: r.MinScore,
		}
		if r.Touch != nil {
			p := c.pin(key+".touch", *r.Touch)
			s.Touch = &p
		}
		if r.MinScore < 1 || r.MinScore > 0xFFFF {
			c.fault(key+".min_score", "%d is not a minimum score (1 to 65535)", r.MinScore)
		}
		d.Sensors = append(d.Sensors, s)
	}
}

func (c *doorChecker) broker(d *Door) {
	r := c.raw.Broker
	if r == nil {
		return
	}
	c.need("broker.address", r.Address)
	c.need("broker.ca", r.CA)
	c.need("broker.cert", r.Cert)
	c.need("broker.key", r.Key)
	d.Broker = &Broker{Address: r.Address, CA: c.path(r.CA), Cert: c.path(r.Cert), Key: c.path(r.Key), Collector: r.Collector}
}

func (c *doorChecker) keys(d *Door) {
	seen := map[string]bool{}
	for i, r := range c.raw.Keys {
		key := fmt.Sprintf("keys.%d", i)
		b, err := base64.StdEncoding.DecodeString(r.Public)
		if err != nil || len(b) != ed25519.PublicKeySize {
			c.fault(key+".public", "is not the base64 of a 32-byte Ed25519 public key")
		}
		if seen[r.Public] {
			c.fault(key+".public", "the same key is listed twice")
		}
		seen[r.Public] = true
		c.need(key+".holder", r.Holder)
		if !r.To.IsZero() && !r.To.After(r.From) {
			c.fault(key+".to", "is not after from")
		}
		d.Keys = append(d.Keys, Key{
			Public: r.Public, Holder: r.Holder, From: r.From, To: r.To,
			Role: c.oneOf(key+".role", r.Role, "", "administrator", "automation"),
		})
	}
}
