package config

import (
	"path/filepath"
	"time"

	"sekimori/policy"
)

// Door is the checked door file: one doorway, its wires and its keys.
type Door struct {
	File     string // where it was read from
	ID       string // topic level, certificate name, ledger origin
	Place    policy.PlaceID
	State    string // directory of ledger, roster and inbox
	Rulebook string // path of the rulebook file
	// Egress says how somebody leaving without a reader is sensed.
	Egress Egress
	Lock   Lock
	Inputs []Input
	Ports  []Port
	// Readers and Sensors in the file's order; at most one of each per side.
	Readers []Reader
	Sensors []Sensor
	Broker  *Broker // nil: the door keeps its events to itself until it has one
	Keys    []Key
	Clock   Clock
	// Retention is how many years events keep what they say, 1 to 10; after
	// that only their hashes stay.
	Retention int
}

// Egress is the sense and the window.
type Egress struct {
	Sense  string // handle_switch, motion, exit_button, none
	Window time.Duration
	// Mechanical states that the inside handle (or the exit button) acts in
	// the lock line or on the bolt itself, without this box. It must be true.
	Mechanical bool
	// EscapeDoor: the leaf is on an escape route (建築基準法施行令 第125条の2).
	EscapeDoor bool
}

// Pin names a GPIO line by its chip's label and its number on that chip.
type Pin struct {
	Chip string
	Line int
}

// Lock is the lock output and what bounds a release.
type Lock struct {
	Pin       Pin
	Kind      string // fail_secure (通電時解錠) or fail_safe (通電時施錠)
	Contact   string // NO or NC: the relay contact in the lock line
	Drive     string // hold or pulse
	Pulse     time.Duration
	Relock    string // on_open or after_release
	ActiveLow bool   // the relay board energises at a low level
	// BoundedBy says what ends a release when the process, the kernel or the
	// board dies: supervisor (systemd runs "sekimori secure"), module (a timer
	// relay) or none.
	BoundedBy string
	// Bound is the module's own time, or the restart time of the supervisor.
	Bound time.Duration
}

// Input is one contact.
type Input struct {
	Name       string // door_contact, bolt_contact, handle_switch, exit_button, motion, fire, tamper, lock_supply
	Pin        Pin
	Loop       string // NC or NO: closed or open when nothing is the matter
	Pull       string // up or down: an input never floats
	Debounce   time.Duration
	Supervised bool
}

// Port is one serial port.
type Port struct {
	Name  string
	Path  string
	Baud  int
	RS485 string // auto, kernel, none
}

// Reader is one OSDP badge reader.
type Reader struct {
	Name    string
	Side    policy.Side
	Port    string
	Address byte
	KeyFile string // 0600 file, or credential:NAME
	// Identity is what was pinned when the reader was adopted; "" means not
	// adopted: it comes up, says what it is, and opens nothing.
	Identity string
	Format   string
	Poll     time.Duration
	// Inside: the reader hangs on the secured side of the wall.
	Inside bool
}

// Sensor is one fingerprint sensor.
type Sensor struct {
	Name         string
	Side         policy.Side
	Port         string
	PasswordFile string
	Identity     string
	Touch        *Pin // nil: no touch line
	MinScore     int
}

// Broker is the MQTT broker and how the door proves itself to it.
type Broker struct {
	Address   string // host:port
	CA        string
	Cert      string
	Key       string
	Collector bool // a collector acknowledges; otherwise the exact PUBACK counts
}

// Key is a public key whose orders this door takes.
type Key struct {
	Public string // base64 of the Ed25519 public key
	Holder string
	Role   string // administrator or automation
	From   time.Time
	To     time.Time // exclusive; zero: no end
}

// Clock is what the box knows of time.
type Clock struct {
	RTC bool // a battery-backed clock is fitted
	// Sync is ntp (the kernel's synchronisation state is believed) or none.
	Sync string
}

// rawDoor is the file as written.
type rawDoor struct {
	Door struct {
		ID       string `toml:"id"`
		Place    string `toml:"place"`
		State    string `toml:"state"`
		Rulebook string `toml:"rulebook"`
	} `toml:"door"`
	Egress struct {
		Sense      string   `toml:"sense"`
		Window     Duration `toml:"window"`
		Mechanical bool     `toml:"mechanical"`
		EscapeDoor bool     `toml:"escape_door"`
	} `toml:"egress"`
	Lock    rawLock             `toml:"lock"`
	Inputs  map[string]rawInput `toml:"inputs"`
	Ports   []rawPort           `toml:"ports"`
	Readers []rawReader         `toml:"readers"`
	Sensors []rawSensor         `toml:"sensors"`
	Broker  *rawBroker          `toml:"broker"`
	Keys    []rawKey            `toml:"keys"`
	Clock   struct {
		RTC  bool   `toml:"rtc"`
		Sync string `toml:"sync"`
	} `toml:"clock"`
	Ledger struct {
		RetentionYears *int `toml:"retention_years"`
	} `toml:"ledger"`
}

type rawLock struct {
	Pin       rawPin   `toml:"pin"`
	Kind      string   `toml:"kind"`
	Contact   string   `toml:"contact"`
	Drive     string   `toml:"drive"`
	Pulse     Duration `toml:"pulse"`
	Relock    string   `toml:"relock"`
	ActiveLow bool     `toml:"active_low"`
	BootIdle  string   `toml:"boot_idle"`
	BoundedBy string   `toml:"bounded_by"`
	Bound     Duration `toml:"bound"`
}

type rawPin struct {
	Chip string `toml:"chip"`
	Line *int   `toml:"line"`
}

type rawInput struct {
	Pin        rawPin   `toml:"pin"`
	Loop       string   `toml:"loop"`
	Pull       string   `toml:"pull"`
	Debounce   Duration `toml:"debounce"`
	Supervised bool     `toml:"supervised"`
}

type rawPort struct {
	Name  string `toml:"name"`
	Path  string `toml:"path"`
	Baud  int    `toml:"baud"`
	RS485 string `toml:"rs485"`
}

type rawReader struct {
	Name     string   `toml:"name"`
	Side     string   `toml:"side"`
	Port     string   `toml:"port"`
	Address  int      `toml:"address"`
	Key      string   `toml:"key"`
	Identity string   `toml:"identity"`
	Format   string   `toml:"format"`
	Poll     Duration `toml:"poll"`
	Inside   bool     `toml:"inside"`
}

type rawSensor struct {
	Name     string  `toml:"name"`
	Side     string  `toml:"side"`
	Port     string  `toml:"port"`
	Password string  `toml:"password"`
	Identity string  `toml:"identity"`
	Touch    *rawPin `toml:"touch"`
	MinScore int     `toml:"min_score"`
}

type rawBroker struct {
	Address   string `toml:"address"`
	CA        string `toml:"ca"`
	Cert      string `toml:"cert"`
	Key       string `toml:"key"`
	Collector bool   `toml:"collector"`
}

type rawKey struct {
	Public string    `toml:"public"`
	Holder string    `toml:"holder"`
	Role   string    `toml:"role"`
	From   time.Time `toml:"from"`
	To     time.Time `toml:"to"`
}

// LoadDoor reads and checks a door file. Paths in it are relative to it. The
// error lists everything that is wrong ([Errors]), or why the file could not
// be read.
func LoadDoor(path string) (*Door, error) {
	s, err := read(path)
	if err != nil {
		return nil, err
	}
	var raw rawDoor
	if err := s.decode(&raw); err != nil {
		return nil, err
	}
	d := &Door{File: path}
	c := doorChecker{source: s, raw: &raw, dir: filepath.Dir(path)}
	c.head(d)
	c.egress(d)
	c.lock(d)
	c.inputs(d)
	c.ports(d)
	c.readers(d)
	c.sensors(d)
	c.broker(d)
	c.keys(d)
	c.wiring(d)
	if err := s.err(); err != nil {
		return nil, err
	}
	return d, nil
}
