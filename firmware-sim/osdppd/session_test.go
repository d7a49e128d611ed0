package osdppd_test

import (
	"testing"
	"time"

	"sekimori/drivers"
	"sekimori/drivers/osdp"
	"sekimori/firmware-sim/osdppd"
)

func TestCardOverSecureChannel(t *testing.T) {
	one(t, func(r *rig) {
		r.badge("10023")
		if d := r.want(time.Second, "entry card H10301 10023 secured=true proof=0"); d > 100*time.Millisecond {
			t.Errorf("read after %v, want within two polls", d)
		}
		r.none(r.pass(10*time.Second), "entry")
		r.served(time.Second)
	})
}

// Each fault of the line is survived: no card is lost or doubled, no reader
// falls out of service.
func TestLineFaultsAreSurvived(t *testing.T) {
	for name, set := range map[string]func(*osdppd.Faults){
		"drop":               func(f *osdppd.Faults) { f.Drop = 3 },
		"delay":              func(f *osdppd.Faults) { f.Delay = 150 * time.Millisecond },
		"at the last moment": func(f *osdppd.Faults) { f.Delay = 195 * time.Millisecond },
		"split":              func(f *osdppd.Faults) { f.Split, f.SplitPause = 7, 100*time.Millisecond },
		"marking":            func(f *osdppd.Faults) { f.Prepend = []byte{0xff, 0xff, 0xff} },
		"noise":              func(f *osdppd.Faults) { f.Prepend = []byte{0x53, 0x00, 0x53, 0x53, 0x81} },
		"noise like a frame": func(f *osdppd.Faults) { f.Prepend = []byte{0x53, 0x81, 0x40, 0x00} },
		"corrupt check":      func(f *osdppd.Faults) { f.CorruptCheck = 3 },
		"wrong sequence":     func(f *osdppd.Faults) { f.WrongSequence = 2 },
		"busy":               func(f *osdppd.Faults) { f.Busy = 3 },
		"empty blocks":       func(f *osdppd.Faults) { f.EmptyBlocks = true },
		"hollow blocks":      func(f *osdppd.Faults) { f.HollowBlocks = true },
		"deaf for a moment":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			one(t, func(r *rig) {
				r.pass(time.Second)
				if set != nil {
					r.pds[0].Faults(set)
				} else {
					r.pds[0].Faults(func(f *osdppd.Faults) { f.Deaf = true })
					r.pass(time.Second)
					r.pds[0].Faults(func(f *osdppd.Faults) { f.Deaf = false })
				}
				r.badge("10023")
				r.want(3*time.Second, "entry card H10301 10023")
				r.none(r.pass(20*time.Second), "entry")
				r.served(2 * time.Second)
			})
		})
	}
}

// What breaks the session costs a handshake, not the reader.
func TestSessionIsRestored(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(*osdppd.PD)
		fault string // expected, "" for none
	}{
		"power cycle":   {func(p *osdppd.PD) { p.PowerCycle() }, ""},
		"sequence zero": {func(p *osdppd.PD) { p.Faults(func(f *osdppd.Faults) { f.SequenceZero = 1 }) }, ""},
		"corrupt MAC":   {func(p *osdppd.PD) { p.Faults(func(f *osdppd.Faults) { f.CorruptMAC = 1 }) }, "entry fault mac_failure disabled=false"},
		"many lost":     {func(p *osdppd.PD) { p.Faults(func(f *osdppd.Faults) { f.Drop = 6 }) }, ""},
		"silent PD after a lost session": {func(p *osdppd.PD) {
			p.Faults(func(f *osdppd.Faults) { f.SilentOnBadMAC, f.CorruptMAC = true, 1 })
		}, "entry fault mac_failure disabled=false"},
	} {
		t.Run(name, func(t *testing.T) {
			one(t, func(r *rig) {
				r.pass(time.Second)
				handshakes := r.pds[0].Count(osdp.CommandChallenge)
				c.do(r.pds[0])
				if c.fault != "" {
					r.want(time.Second, c.fault)
				}
				events := r.pass(4 * time.Second)
				r.none(events, "entry fault")
				r.none(events, "entry offline")
				if r.pds[0].Count(osdp.CommandChallenge) == handshakes {
					t.Error("no new handshake")
				}
				r.served(time.Second)
			})
		})
	}
}

// A reader that is not the adopted one, or not as it was, is disabled at once
// and delivers nothing; when the adopted one is back, so is service.
func TestChangedReaderIsDisabled(t *testing.T) {
	lying := osdppd.DefaultCapabilities()
	for i := 0; i < len(lying); i += 3 {
		if lying[i] == osdp.FunctionSecurity {
			lying[i+1], lying[i+2] = 0, 0
		}
	}
	for name, c := range map[string]struct {
		set  func(*osdppd.Faults)
		want string
	}{
		"other device":           {func(f *osdppd.Faults) { f.PDID = &[12]byte{1, 2, 3} }, "identity_changed"},
		"other identity in key":  {func(f *osdppd.Faults) { f.CUID = &[8]byte{1, 2, 3} }, "identity_changed"},
		"says no Secure Channel": {func(f *osdppd.Faults) { f.Capabilities = lying }, "capability_changed"},
		"downgrade on the wire":  {func(f *osdppd.Faults) { f.LyingCapabilities = lying }, "capability_changed"},
		"refuses Secure Channel": {func(f *osdppd.Faults) { f.NoSecureChannel = true }, "no_secure_channel"},
		"wrong key":              {func(f *osdppd.Faults) { f.WrongKey = true }, "bad_key"},
		"default key":            {func(f *osdppd.Faults) { f.DefaultKey = true }, "bad_key"},
		"default key's number":   {func(f *osdppd.Faults) { f.KeyNumberZero = true }, "bad_key"},
		"clear data under MAC":   {func(f *osdppd.Faults) { f.ClearData = true }, "clear_text"},
	} {
		t.Run(name, func(t *testing.T) {
			one(t, func(r *rig) {
				p := r.pds[0]
				p.Unplug(true)
				r.want(3*time.Second, "entry offline unplugged=false")
				p.Faults(c.set)
				p.Unplug(false)
				r.want(5*time.Second, "entry fault "+c.want+" disabled=true")
				r.badge("10023")
				events := r.pass(2 * time.Minute)
				r.none(events, "entry card")
				r.none(events, "entry online")
				r.none(events, "entry fault") // told once, not at every attempt
				p.Unplug(true)
				r.pass(5 * time.Second)
				p.Faults(func(f *osdppd.Faults) { *f = osdppd.Faults{} })
				p.Unplug(false)
				r.want(5*time.Second, "entry online")
				r.served(time.Second)
			})
		})
	}
}

// The adopted reader put back without a pause does not wait for the back-off.
func TestAdoptedReaderPutBack(t *testing.T) {
	one(t, func(r *rig) {
		p := r.pds[0]
		p.Faults(func(f *osdppd.Faults) { f.PDID = &[12]byte{1, 2, 3} })
		p.PowerCycle()
		r.want(5*time.Second, "entry fault identity_changed disabled=true")
		r.want(0, "entry offline")
		r.pass(50 * time.Second) // the back-off is long by now
		p.Faults(func(f *osdppd.Faults) { f.PDID = nil })
		r.want(5*time.Second, "entry online")
		r.served(time.Second)
	})
}

// A reader that was never adopted only says who it is.
func TestNotAdopted(t *testing.T) {
	stranger := newReader("entry", 1)
	pin := stranger.acu.Pin
	stranger.acu.Pin = osdp.Identity{}
	bubble(t, osdp.Options{}, []reader{stranger}, func(r *rig) {
		r.badge("10023")
		time.Sleep(3 * time.Second)
		var found bool
		r.mu.Lock()
		for _, e := range r.events {
			if f, ok := e.Body.(drivers.Fault); ok && f.Code == drivers.NotAdopted {
				got, err := osdp.ParseIdentity(f.Detail)
				found = err == nil && got == pin && f.Disabled
			}
		}
		r.mu.Unlock()
		if !found {
			t.Error("no identity to be pinned was reported")
		}
		events := append(r.seen(), r.pass(5*time.Minute)...)
		r.none(events, "entry card")
		r.none(events, "entry online")
	})
}

// Loss is told in two seconds and a little, service is back in five, and what
// the reader kept meanwhile is not delivered.
func TestLossAndReturn(t *testing.T) {
	for name, away := range map[string]time.Duration{"seconds": 3 * time.Second, "a day": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			one(t, func(r *rig) {
				p := r.pds[0]
				p.Unplug(true)
				if d := r.want(5*time.Second, "entry offline unplugged=false"); d < 1900*time.Millisecond || d > 2500*time.Millisecond {
					t.Errorf("loss told after %v, want about 2 s", d)
				}
				r.none(r.pass(away), "entry")
				p.Faults(func(f *osdppd.Faults) { f.KeepQueue = true })
				p.Unplug(false)
				r.badge("1")
				r.badge("2")
				if d := r.want(6*time.Second, "entry online"); d > 5*time.Second {
					t.Errorf("service back after %v, want 5 s", d)
				}
				r.none(r.pass(5*time.Second), "entry card")
				r.served(time.Second)
			})
		})
	}
}

// The session outlives the deafness, the reader keeps its queue: still nothing
// that was read before service came back is delivered.
func TestStaleReadsAreDropped(t *testing.T) {
	one(t, func(r *rig) {
		p := r.pds[0]
		p.Faults(func(f *osdppd.Faults) { f.Deaf, f.KeepQueue = true, true })
		r.want(5*time.Second, "entry offline")
		r.badge("1")
		p.Faults(func(f *osdppd.Faults) { f.Deaf = false })
		r.want(5*time.Second, "entry online")
		r.none(r.pass(5*time.Second), "entry card")
		if n := p.Waiting(); n != 0 {
			t.Errorf("%d badges still wait", n)
		}
	})
}

func TestCableUnplugged(t *testing.T) {
	one(t, func(r *rig) {
		r.cable.Unplug()
		if d := r.want(time.Second, "entry offline unplugged=true"); d > 300*time.Millisecond {
			t.Errorf("unplugging told after %v", d)
		}
		r.none(r.pass(time.Hour), "entry")
		r.cable.Plug()
		r.want(5*time.Second, "entry online")
		r.served(time.Second)
	})
}

func TestTamperAndPower(t *testing.T) {
	one(t, func(r *rig) {
		r.want(time.Second, "entry tamper false")
		r.want(0, "entry power failed false")
		r.pds[0].Tamper(true)
		r.want(time.Second, "entry tamper true")
		r.pds[0].PowerFailed(true)
		r.want(time.Second, "entry power failed true")
		r.pds[0].Tamper(false)
		r.want(time.Second, "entry tamper false")
		r.pds[0].PowerFailed(false)
		r.want(time.Second, "entry power failed false")
		// Opened while the cable is off: told as soon as it is back.
		r.cable.Unplug()
		r.want(time.Second, "entry offline")
		r.pds[0].Tamper(true)
		r.cable.Plug()
		r.want(5*time.Second, "entry online")
		r.want(time.Second, "entry tamper true")
	})
}

// More than three wrong MACs in a minute disable the reader for a growing time.
func TestRepeatedMACFailures(t *testing.T) {
	one(t, func(r *rig) {
		r.pds[0].Faults(func(f *osdppd.Faults) { f.CorruptMAC = 1 << 30 })
		r.want(time.Second, "entry fault mac_failure disabled=false")
		r.want(10*time.Second, "entry fault mac_failure disabled=true")
		r.want(time.Second, "entry offline")
		before := r.pds[0].Count(osdp.CommandChallenge)
		r.none(r.pass(4*time.Second), "entry online")
		if n := r.pds[0].Count(osdp.CommandChallenge); n != before {
			t.Errorf("%d handshakes during the back-off", n-before)
		}
		r.none(r.pass(time.Hour), "entry online")
		if n := r.pds[0].Count(osdp.CommandChallenge) - before; n > 300 {
			t.Errorf("%d handshakes in an hour of wrong MACs", n)
		}
		r.pds[0].Faults(func(f *osdppd.Faults) { f.CorruptMAC = 0 })
		r.want(2*time.Minute, "entry online")
		r.served(time.Second)
	})
}

// A card report in clear inside the session is an alarm and no card; the
// session goes on.
func TestPlainRawIsDiscarded(t *testing.T) {
	one(t, func(r *rig) {
		r.pds[0].Faults(func(f *osdppd.Faults) { f.PlainRaw = 200 })
		r.want(time.Second, "entry fault clear_text disabled=false")
		events := r.pass(9 * time.Second)
		r.none(events, "entry card")
		r.none(events, "entry offline")
		r.none(events, "entry fault") // one alarm for all of them
		r.pass(10 * time.Second)
		r.served(time.Second)
	})
}

// A recorded card report played back is a wrong MAC, never a card.
func TestReplayedTraffic(t *testing.T) {
	one(t, func(r *rig) {
		r.served(time.Second)
		r.pds[0].Faults(func(f *osdppd.Faults) { f.ReplayRaw = 1 })
		r.want(time.Second, "entry fault mac_failure disabled=false")
		r.none(r.pass(10*time.Second), "entry card")
		// Also in a later session.
		r.pds[0].PowerCycle()
		r.pass(2 * time.Second)
		r.pds[0].Faults(func(f *osdppd.Faults) { f.ReplayRaw = 1 })
		r.none(r.pass(10*time.Second), "entry card")
		r.served(time.Second)
	})
}

func TestRepeatedRandomNumber(t *testing.T) {
	one(t, func(r *rig) {
		r.pds[0].Faults(func(f *osdppd.Faults) { f.ConstantRandom = true })
		r.pds[0].PowerCycle()
		r.none(r.pass(3*time.Second), "entry fault")
		r.pds[0].PowerCycle()
		r.want(3*time.Second, "entry fault repeated_nonce disabled=false")
		r.pass(3 * time.Second)
		r.served(time.Second) // flagged; such readers are in the field
	})
}

// BUSY without end is no life: it is not authenticated.
func TestBusyWithoutEnd(t *testing.T) {
	one(t, func(r *rig) {
		r.pds[0].Faults(func(f *osdppd.Faults) { f.Busy = 1 << 30 })
		r.want(5*time.Second, "entry offline")
		r.none(r.pass(time.Minute), "entry online")
		r.pds[0].Faults(func(f *osdppd.Faults) { f.Busy = 0 })
		r.want(5*time.Second, "entry online")
		r.served(time.Second)
	})
}

// A card of another reading head of the same device is not one of this side.
func TestOtherReadingHead(t *testing.T) {
	one(t, func(r *rig) {
		head := byte(1)
		r.pds[0].Faults(func(f *osdppd.Faults) { f.LastReader = &head })
		r.badge("10023")
		r.want(time.Second, "entry fault malformed disabled=false")
		r.none(r.pass(time.Second), "entry card")
	})
}

// Bits that do not fit the configured format are a read without a number.
func TestForeignBits(t *testing.T) {
	one(t, func(r *rig) {
		for _, bits := range []int{1, 24, 26, 27, 34, 64, 256} {
			if err := r.pds[0].PresentBits(make([]byte, (bits+7)/8), bits); err != nil {
				t.Fatal(err)
			}
			r.want(time.Second, "entry card   secured=true")
		}
	})
}

func TestNeverConfiguresAReader(t *testing.T) {
	one(t, func(r *rig) {
		r.served(time.Second)
		r.pds[0].PowerCycle()
		r.pass(time.Minute)
		for _, command := range []byte{osdp.CommandKeySet, osdp.CommandComSet, osdp.CommandOut} {
			if n := r.pds[0].Count(command); n != 0 {
				t.Errorf("command %02x was sent %d times", command, n)
			}
		}
	})
}

// A reader slower than the standard allows is no false alarm about its key, and
// serves again when it is quick again.
func TestSlowReader(t *testing.T) {
	one(t, func(r *rig) {
		r.pds[0].Faults(func(f *osdppd.Faults) { f.Delay = 300 * time.Millisecond })
		r.none(r.pass(time.Minute), "entry fault")
		r.pds[0].Faults(func(f *osdppd.Faults) { f.Delay = 0 })
		r.pass(10 * time.Second)
		r.served(time.Second)
	})
}
