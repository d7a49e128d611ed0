package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadLock(t *testing.T) {
	reference, err := os.ReadFile(hino + "door-machine-room.toml")
	if err != nil {
		t.Fatal(err)
	}
	whole := strings.Replace(string(reference), "[lock] ", "[lock]\nactive_low = true ", 1)
	want := LockOutput{Pin: Pin{"pinctrl-bcm2711", 17}, ActiveLow: true}
	for _, tc := range []struct {
		name, old, new string
		fails          bool
	}{
		{"as it should be", "", "", false},
		{"a value out of range", "9600", "9601", false},
		{"an unknown table", "[broker]", "[brokr]", false},
		{"a wrong kind of value", "min_score = 60", "min_score = \"sixty\"", false},
		{"no TOML after it", "[inputs.door_contact]", "[inputs.door_contact", false},
		{"no TOML before it", "[egress]", "egress]", false},
		{"cut off after it", whole[strings.Index(whole, "[inputs.fire]"):], "[inp", false},
		{"active_low misspelt", "active_low", "activelow", true},
		{"active_low misspelt, and no TOML", "active_low = true", "activelow = true\n[egress", true},
		{"no pin", "pin        =", "pinn       =", true},
		{"a pin without line", ", line = 17", "", true},
		{"no TOML in it", "kind       =", "kind", true},
		{"no lock", "[lock]", "[look]", true},
		{"two locks", "[broker]", "[lock]\nactive_low = false\n[broker]", true},
		{"empty", whole, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !strings.Contains(whole, tc.old) {
				t.Fatalf("the reference has no %q", tc.old)
			}
			path := filepath.Join(t.TempDir(), "door.toml")
			if err := os.WriteFile(path, []byte(strings.Replace(whole, tc.old, tc.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := LoadLock(path)
			switch {
			case tc.fails && err == nil:
				t.Errorf("gave %+v", got)
			case !tc.fails && (err != nil || got != want):
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	if _, err := LoadLock(filepath.Join(t.TempDir(), "none.toml")); err == nil {
		t.Error("a missing file gave a lock")
	}
}

func TestRetention(t *testing.T) {
	for text, want := range map[string]int{"": 7, "[ledger]\nretention_years = 10\n": 10, "[ledger]\nretention_years = 1\n": 1} {
		d, err := edit(t, "[clock]", text+"[clock]")
		if err != nil || d.Retention != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, years := range []string{"0", "11", "-1"} {
		if _, err := edit(t, "[clock]", "[ledger]\nretention_years = "+years+"\n[clock]"); err == nil || !strings.Contains(err.Error(), "ledger.retention_years") {
			t.Errorf("%s years: %v", years, err)
		}
	}
}
