package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekimori/policy"
)

const hino = "../../testdata/hino/"

// TestReference: what is shipped and what the documentation shows must load.
func TestReference(t *testing.T) {
	for _, name := range []string{"door-machine-room.toml", "door-terminal-toyoda.toml"} {
		d, err := LoadDoor(hino + name)
		if err != nil {
			t.Fatal(err)
		}
		rb, hash, err := LoadRulebook(d.Rulebook)
		if err != nil {
			t.Fatal(err)
		}
		if len(hash) != 64 {
			t.Errorf("hash of the rulebook is %q", hash)
		}
		if err := d.Fit(rb); err != nil {
			t.Error(err)
		}
	}
	if _, err := LoadRoster(hino + "roster.toml"); err != nil {
		t.Error(err)
	}
	if _, err := LoadDoor("../../deploy/door.toml"); err != nil {
		t.Error(err)
	}
}

// edit loads the machine-room door with one text replaced by another.
func edit(t *testing.T, old, new string) (*Door, error) {
	t.Helper()
	b, err := os.ReadFile(hino + "door-machine-room.toml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		t.Fatalf("the reference has no %q", old)
	}
	path := filepath.Join(t.TempDir(), "door.toml")
	if err := os.WriteFile(path, []byte(strings.Replace(string(b), old, new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return LoadDoor(path)
}

func TestDoorFaults(t *testing.T) {
	for _, tc := range []struct {
		name, old, new string
		key            string
		says           string
	}{
		{"unknown key", "kind       = \"fail_secure\"", "kind = \"fail_secure\"\nholdd = 1", "lock.holdd", "unknown key"},
		{"wrong type", "mechanical = true", "mechanical = \"yes\"", "egress.mechanical", ""},
		{"syntax", "[lock] ", "[lock ", "", ""},
		{"somebody could be shut in", "mechanical = true", "mechanical = false", "egress.mechanical", "nobody may be shut in"},
		{"open at rest, fail-secure", "contact    = \"NO\"", "contact = \"NC\"", "lock.contact", "whenever the relay rests"},
		{"open at rest, fail-safe", "kind       = \"fail_secure\"", "kind = \"fail_safe\"", "lock.contact", "whenever the relay rests"},
		{"open while booting", "boot_idle  = \"inactive\"", "boot_idle = \"active\"", "lock.boot_idle", "idles active"},
		{"the same pin twice", "line = 23 }", "line = 22 }", "inputs.bolt_contact.pin", "already"},
		{"the lock's pin as an input", "line = 23 }", "line = 17 }", "inputs.bolt_contact.pin", "lock.pin"},
		{"no such port", "port     = \"readers\"", "port = \"reader\"", "readers.0.port", "no port is named"},
		{"address twice", "address  = 1", "address = 0", "readers.1.address", "is badge-entry's"},
		{"address too high", "address  = 1", "address = 127", "readers.1.address", "not an OSDP address"},
		{"two readers on a side", "side     = \"exit\"", "side = \"entry\"", "readers.1.side", "has a reader already"},
		{"speed", "baud = 57600", "baud = 57000", "ports.1.baud", "not a speed"},
		{"not a key", "bm9ib2R5", "????", "keys.0.public", "base64"},
		{"fire contact that a cut wire silences", "[inputs.fire]\npin  = { chip = \"pinctrl-bcm2711\", line = 26 }\nloop = \"NC\"", "[inputs.fire]\npin = { chip = \"pinctrl-bcm2711\", line = 26 }\nloop = \"NO\"", "inputs.fire.loop", "cut wire"},
		{"leaf contact that a cut wire silences", "[inputs.door_contact]\npin  = { chip = \"pinctrl-bcm2711\", line = 22 }\nloop = \"NC\"", "[inputs.door_contact]\npin = { chip = \"pinctrl-bcm2711\", line = 22 }\nloop = \"NO\"", "inputs.door_contact.loop", "never as all well"},
		{"an input that floats", "line = 22 }\n", "line = 22 }\npull = \"none\"\n", "inputs.door_contact.pull", "not one of"},
		{"no minimum score", "min_score = 60", "min_score = 0", "sensors.0.min_score", "minimum score"},
		{"a reader that hides a contact", "name     = \"badge-exit\"", "name = \"door_contact\"", "readers.1.name", "name of an input"},
		{"two sensors on a wire", "port      = \"finger-exit\"", "port = \"finger-entry\"", "sensors.1.port", "already"},
		{"egress that nothing senses", "sense      = \"handle_switch\"", "sense = \"motion\"", "egress.sense", "no input is named motion"},
		{"unknown input", "[inputs.tamper]", "[inputs.window]", "inputs.window", "unknown input"},
		{"an id that is two topics", "id       = \"machine-room\"", "id = \"machine/room\"", "door.id", "not a name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := edit(t, tc.old, tc.new)
			var all Errors
			if !errors.As(err, &all) {
				t.Fatalf("got %v, want Errors", err)
			}
			e := all[0]
			for _, candidate := range all {
				if candidate.Key == tc.key {
					e = candidate
					break
				}
			}
			if e.Line == 0 || e.Column == 0 {
				t.Errorf("no place in %v", e)
			}
			if tc.key != "" && e.Key != tc.key {
				t.Errorf("key is %q in %v, want %q", e.Key, err, tc.key)
			}
			if !strings.Contains(e.Msg, tc.says) {
				t.Errorf("message is %q, want it to say %q", e.Msg, tc.says)
			}
		})
	}
}

// TestUnknownKeyHidesNothing: one reading of the errors is enough.
func TestUnknownKeyHidesNothing(t *testing.T) {
	_, err := edit(t, "kind       = \"fail_secure\"", "kindd = 1\nkind = \"fail_sure\"")
	var all Errors
	if !errors.As(err, &all) || len(all) < 2 {
		t.Fatalf("got %v, want the unknown key and the wrong value", err)
	}
	for name, load := range map[string]func(string) error{
		"rulebook.toml": func(p string) error { _, _, err := LoadRulebook(p); return err },
		"roster.toml":   func(p string) error { _, err := LoadRoster(p); return err },
	} {
		b, err := os.ReadFile(hino + name)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, append([]byte("nobody_knows_this = 1\n"), b...), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := load(path); !errors.As(err, &all) || len(all) != 1 || all[0].Key != "nobody_knows_this" {
			t.Errorf("%s with an unknown key: %v", name, err)
		}
	}
}

// TestPlaces: the position is that of the key that is wrong, not of its table.
func TestPlaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rulebook.toml")
	b, err := os.ReadFile(hino + "rulebook.toml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(b), "\n")
	want := 0
	for i, l := range lines {
		if strings.HasPrefix(l, "release = ") {
			lines[i] = "release = \"1s\""
			want = i + 1
			break
		}
	}
	if want == 0 {
		t.Fatal("the rulebook has no release time to break")
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = LoadRulebook(path)
	var all Errors
	if !errors.As(err, &all) || len(all) != 1 {
		t.Fatalf("got %v, want one error", err)
	}
	if all[0].Line != want || all[0].Column != 1 {
		t.Errorf("%v is not at line %d column 1", all[0], want)
	}
}

func TestUnreadable(t *testing.T) {
	if _, err := LoadDoor(filepath.Join(t.TempDir(), "absent.toml")); err == nil || !strings.Contains(err.Error(), "absent.toml") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestOneDoorPerPlace: presence is not shared between boxes yet.
func TestOneDoorPerPlace(t *testing.T) {
	d, err := LoadDoor(hino + "door-machine-room.toml")
	if err != nil {
		t.Fatal(err)
	}
	e, err := LoadDoor(hino + "door-terminal-toyoda.toml")
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckTogether([]*Door{d, e}); err != nil {
		t.Errorf("two places: %v", err)
	}
	if err := CheckTogether([]*Door{d, d}); err == nil {
		t.Error("a second door of one place was not refused")
	}
}

// TestFit: a place that asks for a finger needs a sensor to ask it at.
func TestFit(t *testing.T) {
	d, err := LoadDoor(hino + "door-machine-room.toml")
	if err != nil {
		t.Fatal(err)
	}
	rb, _, err := LoadRulebook(d.Rulebook)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Door){
		"no sensor on the entry side": func(d *Door) { d.Sensors = d.Sensors[1:] },
		"no reader on the entry side": func(d *Door) { d.Readers = d.Readers[1:] },
		"a place that is not in it":   func(d *Door) { d.Place = "cellar" },
	} {
		spoilt := *d
		spoil(&spoilt)
		if err := spoilt.Fit(rb); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	onlyEntry := *d
	onlyEntry.Readers, onlyEntry.Sensors = d.Readers[:1], d.Sensors[:1]
	if err := onlyEntry.Fit(rb); err != nil {
		t.Errorf("a door left by its handle: %v", err)
	}
}

func TestReleaseBound(t *testing.T) {
	for _, tc := range []struct {
		by   string
		dead string
	}{{"none", "unbounded"}, {"supervisor", "8s"}, {"module", "3s"}} {
		d := &Door{Lock: Lock{BoundedBy: tc.by, Bound: 3e9}}
		if own, dead := d.ReleaseBound(5e9); own != 5e9 || dead != tc.dead {
			t.Errorf("%s: %v and %s, want 5s and %s", tc.by, own, dead, tc.dead)
		}
	}
}

// FuzzRoster: whatever the bytes, there is a roster that policy accepts, or an
// error; never both, never a panic.
func FuzzRoster(f *testing.F) {
	b, err := os.ReadFile(hino + "roster.toml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("[[persons]]\nid = \"a\"\n[[persons]]\nid = \"a\"\n"))
	f.Add([]byte("a.b.c = 1\n[a.b]\nc = 2\n[[x]]\n[x.y]\nz = {p = 1}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		data, err := ParseRoster("fuzz", text)
		if err != nil {
			return
		}
		if _, err := policy.NewRoster(data); err != nil {
			t.Errorf("accepted what policy refuses: %v", err)
		}
	})
}

// FuzzDoor: a door that is accepted can never stand open at rest, and its
// inside handle always acts.
func FuzzDoor(f *testing.F) {
	b, err := os.ReadFile(hino + "door-machine-room.toml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(b))
	dir := f.TempDir()
	n := 0
	f.Fuzz(func(t *testing.T, text string) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(path)
		d, err := LoadDoor(path)
		if err != nil {
			return
		}
		open := d.Lock.Kind == "fail_secure" && d.Lock.Contact == "NC" || d.Lock.Kind == "fail_safe" && d.Lock.Contact == "NO"
		if open || !d.Egress.Mechanical {
			t.Errorf("accepted a door that is open at rest or shuts people in:\n%s", text)
		}
	})
}

// FuzzRulebook: whatever the bytes, a rulebook that is accepted refuses a
// person whom nobody knows, on every side of every place.
func FuzzRulebook(f *testing.F) {
	b, err := os.ReadFile(hino + "rulebook.toml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(b))
	f.Add("[[places]]\nid = \"x\"\n")
	dir := f.TempDir()
	n := 0
	f.Fuzz(func(t *testing.T, text string) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(path)
		rb, _, err := LoadRulebook(path)
		if err != nil {
			return
		}
		for _, p := range rb.Places() {
			for _, s := range []policy.Side{policy.Entry, policy.Exit} {
				a := policy.Attempt{Place: p.ID, Side: s, Holder: policy.Presentation{Number: "1", Wire: policy.WireSecured, Proof: policy.ProofAuthenticated, Finger: policy.FactorMatch}}
				if v := policy.Judge(rb, &policy.Roster{}, &a, policy.Instant{Trusted: true}); v.Decision != policy.Deny {
					t.Errorf("an unknown credential at %s %s: %v", p.ID, s, v.Decision)
				}
			}
		}
	})
}
