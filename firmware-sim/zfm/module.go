package zfm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"sekimori/drivers"
)

// Model is a family of modules.
type Model uint8

// Models.
const (
	R503 Model = iota
	ZFM20
)

// nature is what distinguishes the models (their manuals' data sheets).
type nature struct {
	name             string
	system           uint16
	capacity         uint16
	buffers          byte
	feature, blob    int // bytes of a feature file and of a template
	boot             time.Duration
	sendsReady       bool // 55 after boot
	width, height    uint16
	newInstructions  bool // aura, product information, hand shake ...
	acquire, extract time.Duration
}

var natures = map[Model]nature{
	R503: {
		name: "R503", system: 0x0009, capacity: 200, buffers: 6, feature: 512, blob: 1536,
		boot: 50 * time.Millisecond, sendsReady: true, width: 192, height: 192, newInstructions: true,
		acquire: 100 * time.Millisecond, extract: 150 * time.Millisecond,
	},
	ZFM20: {
		name: "ZFM-20", system: 0, capacity: 162, buffers: 2, feature: 256, blob: 512,
		boot: 500 * time.Millisecond, width: 256, height: 288,
		acquire: 300 * time.Millisecond, extract: 300 * time.Millisecond,
	},
}

// Options describe one module. The zero value is an R503 fresh from the
// factory, without pacing and with no time of its own for its work.
type Options struct {
	Model    Model
	Address  uint32 // 0: FFFFFFFF
	Password uint32 // 0: none set
	Serial   string // at most eight bytes
	Capacity uint16 // 0: the model's
	Baud     int    // paces what the module sends, and the reading of commands; 0: not
	Seed     uint64 // of everything that varies
	Work     bool   // take the model's time for images and features
	Mute     bool   // say nothing to an unknown instruction, instead of FC

	// Observers, called in order from the module's goroutine or the caller's;
	// they must not block and may call the module.
	Touch    func(active bool) // the touch line, active while a finger rests
	Ring     func(Ring)        // the LED ring was set
	Captured func()            // an image of the finger was turned into features, or could not be
	// Answered: the last byte of an acknowledgement was handed to the line.
	Answered func(instruction, code byte, at time.Time)
}

// Ring is what AuraLedConfig set, in the module's codes.
type Ring struct{ Control, Speed, Colour, Count byte }

// Module is one simulated module. Its methods may be called from anywhere;
// [Module.Run] connects it to a wire.
type Module struct {
	o    Options
	is   nature
	poke chan struct{} // has room for one: power was cut or noise waits

	mu     sync.Mutex
	flash  flash
	ram    ram
	finger finger
	faults faults
	rand   *rand.Rand
	wire   drivers.Wire
}

// flash survives a power cycle.
type flash struct {
	library    map[uint16][]byte
	address    uint32
	password   uint32
	serial     [8]byte
	level      byte
	packetCode byte
	baudN      byte
	notepad    [16][32]byte
}

// ram does not.
type ram struct {
	verified  bool
	matched   bool
	image     *pattern // nil: none; smudged: no features in it
	smudged   bool
	buffers   map[byte][]byte
	receiving byte // buffer of a DownChar under way, 0: none
	received  []byte
}

// finger is what lies on the sensor.
type finger struct {
	present, smudged bool
	pattern          pattern
}

// faults are the knobs.
type faults struct {
	silent, lie           bool
	delay, gap            time.Duration
	corrupt, wrongAddress int
	split                 int
	noise                 []byte
	powerCut              bool
}

// New makes a module with an empty library and no finger on it.
func New(o Options) *Module {
	is, known := natures[o.Model]
	if !known {
		panic(fmt.Sprintf("internal error: firmware-sim/zfm: unknown model %d", o.Model))
	}
	if o.Capacity != 0 {
		is.capacity = o.Capacity
	}
	if o.Address == 0 {
		o.Address = 0xFFFFFFFF
	}
	m := &Module{o: o, is: is, poke: make(chan struct{}, 1), rand: rand.New(rand.NewPCG(o.Seed, 0x5a464d))}
	m.flash = flash{
		library: map[uint16][]byte{}, address: o.Address, password: o.Password, level: 3, packetCode: 2, baudN: 6,
	}
	copy(m.flash.serial[:], o.Serial)
	m.ram = m.freshRAM()
	return m
}

// freshRAM is the state after power on. Without a password set none need be
// verified.
func (m *Module) freshRAM() ram { return ram{buffers: map[byte][]byte{}} }

// PlaceFinger puts person's finger down; it rests until Lift.
func (m *Module) PlaceFinger(person string) {
	m.place(finger{present: true, pattern: patternOf(person)})
}

// PlaceStranger puts down a finger that nobody has had before.
func (m *Module) PlaceStranger() {
	m.mu.Lock()
	n := m.rand.Uint64()
	m.mu.Unlock()
	m.PlaceFinger(fmt.Sprintf("stranger %d", n))
}

// PlaceSmudged puts down a finger that gives no usable image.
func (m *Module) PlaceSmudged() { m.place(finger{present: true, smudged: true}) }

// Lift takes the finger away.
func (m *Module) Lift() { m.place(finger{}) }

func (m *Module) place(f finger) {
	m.mu.Lock()
	m.finger = f
	m.mu.Unlock()
	if m.o.Touch != nil {
		m.o.Touch(f.present)
	}
}

// Preload stores a template of person's finger on page, as an enrolment long
// ago did.
func (m *Module) Preload(page uint16, person string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flash.library[page] = blob(patternOf(person), m.is.blob)
}

// Forget takes a page out of the library behind the driver's back.
func (m *Module) Forget(page uint16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.flash.library, page)
}

// Library lists the pages that hold a template.
func (m *Module) Library() []uint16 {
	m.mu.Lock()
	defer m.mu.Unlock()
	pages := []uint16{}
	for p := range m.flash.library {
		pages = append(pages, p)
	}
	slices.Sort(pages)
	return pages
}

// Holds tells whether page holds person's finger.
func (m *Module) Holds(page uint16, person string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, whole := patternIn(m.flash.library[page])
	return whole && score(p, patternOf(person), m.flash.level) > 0
}
