package rig

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"sekimori/controller/config"
	"sekimori/controller/loop"
	"sekimori/drivers"
	"sekimori/drivers/card"
	"sekimori/firmware-sim/osdppd"
	"sekimori/firmware-sim/portal"
	"sekimori/firmware-sim/story"
	zfmsim "sekimori/firmware-sim/zfm"
	"sekimori/policy"
)

// fingerRests is how long a finger stays on the sensor if nothing captures it.
const fingerRests = 5 * time.Second

// doorway is everything simulated at one door.
type doorway struct {
	name    string
	cfg     *config.Door
	portal  *portal.Portal
	readers map[string]*reader // by side
	sensors map[string]*sensor // by side
	observe func(story.Observation)
	moved   time.Time // when somebody last moved the leaf
}

// reader is one badge reader and what its lights can say.
type reader struct {
	*osdppd.PD
	format card.Format
	words  map[osdppd.Shown]string
}

// sensor is one fingerprint module.
type sensor struct {
	*zfmsim.Module
	mu     sync.Mutex // guards rests and once
	rests  *time.Timer
	once   func() // done at the next capture
	serial string
}

// newDoorway hangs the devices of a door on nothing yet; the rig runs them on
// its wires.
func newDoorway(hw *hardware, at time.Time, observe func(story.Observation)) (*doorway, error) {
	d := &doorway{
		name: hw.cfg.ID, cfg: hw.cfg, observe: observe,
		readers: map[string]*reader{}, sensors: map[string]*sensor{},
	}
	open := map[string]bool{}
	for _, in := range hw.cfg.Inputs {
		open[in.Name] = in.Loop == "NO"
	}
	d.portal = portal.New(portal.Options{
		FailSafe:     hw.cfg.Lock.Kind == "fail_safe",
		ActiveLow:    hw.cfg.Lock.ActiveLow,
		NormallyOpen: open,
		OnChange:     d.portalChanged,
	})
	for _, r := range hw.cfg.Readers {
		if err := d.addReader(r, hw.readers[r.Name]); err != nil {
			return nil, err
		}
	}
	for _, s := range hw.cfg.Sensors {
		d.addSensor(s, hw.sensors[s.Name])
	}
	return d, nil
}

func (d *doorway) addReader(rc config.Reader, o osdppd.Options) error {
	format, err := card.Parse(rc.Format)
	if err != nil {
		return err
	}
	r := &reader{format: format, words: map[osdppd.Shown]string{}}
	side := rc.Side.String()
	o.OnShow = func(s osdppd.Shown) {
		word := r.word(s)
		d.observe(story.Observation{Door: d.name, Channel: story.Show, Side: side, Word: word, At: time.Now()})
	}
	r.PD = osdppd.New(o)
	for name, signal := range loop.Signals() {
		r.words[r.Expect(signal)] = string(name)
	}
	if len(r.words) != len(loop.Signals()) {
		return fmt.Errorf("reader %s shows two signals alike", rc.Name)
	}
	d.readers[side] = r
	return nil
}

// word names what is shown. After a reconnection the light comes back without
// its tone: nobody wants a dead reader to beep when it wakes.
func (r *reader) word(s osdppd.Shown) string {
	if w, ok := r.words[s]; ok {
		return w
	}
	for known, w := range r.words {
		if s.Tone == (drivers.Tone{}) && s.LED == known.LED {
			return w
		}
	}
	return fmt.Sprintf("%+v", s)
}

func (d *doorway) addSensor(sc config.Sensor, o zfmsim.Options) {
	s := &sensor{serial: o.Serial}
	o.Captured = s.captured
	s.Module = zfmsim.New(o)
	d.sensors[sc.Side.String()] = s
}

// preload puts the templates of a roster's fingers on the sensors, as an
// enrolment would have.
func (d *doorway) preload(fingers []policy.FingerPage) {
	for _, s := range d.sensors {
		for _, f := range fingers {
			s.Preload(f.Page, string(f.Person))
		}
	}
}

// onCapture arms what happens when a finger is next captured on any side.
func (d *doorway) onCapture(once func()) {
	for _, s := range d.sensors {
		s.mu.Lock()
		s.once = once
		s.mu.Unlock()
	}
}

func (s *sensor) captured() {
	s.mu.Lock()
	once := s.once
	s.once = nil
	s.mu.Unlock()
	if once != nil {
		once()
	}
	s.lift()
}

func (s *sensor) lift() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rests != nil {
		s.rests.Stop()
		s.rests = nil
	}
	s.Lift()
}

func (s *sensor) place(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch who {
	case "stranger":
		s.PlaceStranger()
	case "smudged":
		s.PlaceSmudged()
	default:
		s.PlaceFinger(who)
	}
	if s.rests != nil {
		s.rests.Stop()
	}
	s.rests = time.AfterFunc(fingerRests, s.lift)
}

// portalChanged tells the story what the bolt does.
func (d *doorway) portalChanged(what string, at time.Time) {
	if what == "released" || what == "secured" {
		d.observe(story.Observation{Door: d.name, Channel: story.Lock, Word: what, At: at})
	}
}

// published tells the story what a subscriber received.
func (d *doorway) published(kind string, payload []byte, at time.Time) {
	o := story.Observation{Door: d.name, JSON: payload, At: at}
	var head struct {
		Kind      string `json:"kind"`
		Online    bool   `json:"online"`
		Withdrawn bool   `json:"withdrawn"`
	}
	if json.Unmarshal(payload, &head) != nil {
		return
	}
	switch kind {
	case "events":
		o.Channel, o.Word = story.Event, head.Kind
	case "requests":
		o.Channel, o.Word = story.Request, "asked"
		if head.Withdrawn {
			o.Word = "withdrawn"
		}
	case "state":
		o.Channel, o.Word = story.State, "offline"
		if head.Online {
			o.Word = "online"
		}
	default:
		return
	}
	d.observe(o)
}

var errNone = fmt.Errorf("this door has none on that side")

func (d *doorway) reader(side string) (*reader, error) {
	if r := d.readers[side]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("reader %s: %w", side, errNone)
}

func (d *doorway) sensor(side string) (*sensor, error) {
	if s := d.sensors[side]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("sensor %s: %w", side, errNone)
}

// act does what people do at a door; false if the verb is not one of those.
func (d *doorway) act(a story.Act) (done bool, err error) {
	switch a.Verb {
	case story.VerbBadge:
		r, err := d.reader(a.Args[0])
		if err != nil {
			return true, err
		}
		return true, r.PresentCard(r.format, a.Args[1])
	case story.VerbFinger:
		s, err := d.sensor(a.Args[0])
		if err != nil {
			return true, err
		}
		s.place(a.Args[1])
		return true, nil
	case story.VerbDoor:
		return true, d.leaf(a.Args[0])
	case story.VerbHandle:
		d.portal.Handle()
	case story.VerbKey:
		d.portal.Key()
	case story.VerbExitButton:
		d.portal.ExitButton()
	case story.VerbFire:
		d.portal.Fire(a.Args[0] == "on")
	case story.VerbInput:
		return true, d.portal.SetInput(a.Args[0], a.Args[1])
	case story.VerbTamper:
		r, err := d.reader(a.Args[0])
		if err != nil {
			return true, err
		}
		r.Tamper(a.Args[1] == "on")
	default:
		return false, nil
	}
	return true, nil
}

// dwell is the least time that a person leaves the leaf as it is: more than a
// contact needs to settle.
const dwell = 100 * time.Millisecond

func (d *doorway) leaf(what string) error {
	time.Sleep(time.Until(d.moved.Add(dwell)))
	defer func() { d.moved = time.Now() }()
	switch what {
	case "open":
		return d.portal.OpenDoor()
	case "close":
		d.portal.CloseDoor()
	default:
		d.portal.Force()
	}
	return nil
}

// supply cuts or restores "lock", "box" or "all". Without the box's supply the
// relay rests, the readers are dark and the sensors forget; whose daemon dies
// of it is the rig's to do.
func (d *doorway) supply(what string, on bool) error {
	if what == "lock" || what == "all" {
		if err := d.portal.Supply("lock", on); err != nil {
			return err
		}
	}
	if what != "box" && what != "all" {
		return nil
	}
	if err := d.portal.Supply("box", on); err != nil {
		return err
	}
	for _, r := range d.readers {
		if !on {
			r.PowerCycle()
		}
		r.Unplug(!on)
	}
	for _, s := range d.sensors {
		if on {
			s.PowerCycle()
		}
	}
	return nil
}

// readerFault sets a knob of a reader; unplugging is the line going silent for
// this reader alone, since several share a cable.
func (d *doorway) readerFault(side, what string) error {
	r, err := d.reader(side)
	if err != nil {
		return err
	}
	switch what {
	case "unplug":
		r.Unplug(true)
	case "plug":
		r.Unplug(false)
	case "noise":
		r.Faults(func(f *osdppd.Faults) { f.CorruptCheck, f.Prepend = 3, []byte{0x00, 0x53, 0x13} })
	case "swap":
		other := [12]byte{0xCA, 0x5E, 0x01, 1, 1, 0x99, 0, 0, 0, 1, 0, 0}
		r.Faults(func(f *osdppd.Faults) { f.PDID = &other })
		r.PowerCycle()
	case "lies":
		r.Faults(func(f *osdppd.Faults) {
			f.NoSecureChannel = true
			f.LyingCapabilities = lying(osdppd.DefaultCapabilities())
		})
		r.PowerCycle()
	default:
		return fmt.Errorf("a reader cannot %s", what)
	}
	return nil
}

// communicationSecurity is the capability's function code (OSDP v2.2 Annex B).
const communicationSecurity = 0x09

// lying removes the secure channel from a capability report, as somebody on
// the wire would.
func lying(records []byte) []byte {
	out := append([]byte(nil), records...)
	for i := 0; i+2 < len(out); i += 3 {
		if out[i] == communicationSecurity {
			out[i+1], out[i+2] = 0, 0
		}
	}
	return out
}
