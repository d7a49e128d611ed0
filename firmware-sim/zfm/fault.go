package zfm

import "time"

func (m *Module) set(change func(*faults)) {
	m.mu.Lock()
	change(&m.faults)
	m.mu.Unlock()
}

func (m *Module) poked() {
	select {
	case m.poke <- struct{}{}:
	default:
	}
}

// Silent makes the module read commands and answer none, as a hung one does.
func (m *Module) Silent(on bool) { m.set(func(f *faults) { f.silent = on }) }

// Delay makes every later answer come d late.
func (m *Module) Delay(d time.Duration) { m.set(func(f *faults) { f.delay = d }) }

// Corrupt gives the next n packets a wrong checksum.
func (m *Module) Corrupt(n int) { m.set(func(f *faults) { f.corrupt = n }) }

// Split sends later packets in pieces of n bytes, gap apart; n <= 0 ends it.
func (m *Module) Split(n int, gap time.Duration) {
	m.set(func(f *faults) { f.split, f.gap = n, gap })
}

// WrongAddress gives the next n packets another module's address.
func (m *Module) WrongAddress(n int) { m.set(func(f *faults) { f.wrongAddress = n }) }

// Lie makes the module see a finger and find it equal to whatever it is
// compared with, as a replaced or injected one would.
func (m *Module) Lie(on bool) { m.set(func(f *faults) { f.lie = on }) }

// Noise puts b on the line as soon as the line is free.
func (m *Module) Noise(b []byte) {
	m.set(func(f *faults) { f.noise = append(f.noise, b...) })
	m.poked()
}

// PowerCycle takes the supply away and gives it back: what was in RAM is lost,
// an answer under way stops, and the module is deaf until it has started.
func (m *Module) PowerCycle() {
	m.set(func(f *faults) { f.powerCut = true })
	m.poked()
}

func (m *Module) isCut() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.faults.powerCut
}

// SwapSerial gives the module another serial number, as a module of the same
// kind in its place would have.
func (m *Module) SwapSerial(serial string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flash.serial = [8]byte{}
	copy(m.flash.serial[:], serial)
}

// Unplug ends the wire that the module runs on, and with it Run. A wire that
// tells an unplugged cable from a closed one is unplugged.
func (m *Module) Unplug() {
	m.mu.Lock()
	w := m.wire
	m.mu.Unlock()
	if w == nil {
		return
	}
	if u, is := w.(interface{ Unplug() }); is {
		u.Unplug()
		return
	}
	_ = w.Close()
}
