package osdp

import (
	"time"

	"sekimori/drivers"
)

// pd is the ACU's view of one reader: pure, stepped by now. The bus asks due
// and next, sends what next gave, and then tells receive or silent; what was
// learned collects in out.
//
// One command is outstanding at a time. It stays in tx, byte for byte, until it
// is answered or the sequence restarts: a retransmission must be the same bytes
// (same sequence number, ciphertext, MAC and random number), or the reader
// would take it for another command.
type pd struct {
	// Immutable.
	opt   ReaderOptions
	tim   timing
	nonce func([]byte) // fills RND.A

	// Mutable; owned by the bus.
	out      []drivers.Body
	phase    phase
	due      time.Time // when it wants the bus
	tx       []byte    // the outstanding frame, empty if none
	code     byte      // its command code
	sent     time.Time // when it was sent last
	tries    int       // times sent without an answer
	busy     int       // BUSY answers in a row
	fresh    bool      // the next command has sequence number 0
	sequence byte
	heard    time.Time // last valid frame of this reader
	served   time.Time // last answer while ready
	service  service
	reason   string // why there is no service, for Offline

	secure  bool // session established
	session session
	began   time.Time
	frames  int
	rndA    [8]byte
	rndB    [4][8]byte // random numbers this reader gave last
	rndBs   int

	seen     Identity // what it says of itself: in clear, then in the session
	seenCaps bool
	inputs   bool // capabilities, as told inside the session
	outputs  bool
	columns  int

	status  status
	asked   time.Time // last status question
	polled  time.Time
	display display
	hold    hold
	alarms  alarms

	payload [96]byte  // command data under construction
	padded  [112]byte // the same, padded and encrypted
}

// timing are the pd's durations.
type timing struct{ poll, silence, probe time.Duration }

// Fixed durations and bounds.
const (
	repeatAfter  = 220 * time.Millisecond // retransmission, from the last transmission
	busyAfter    = 150 * time.Millisecond // retransmission after BUSY
	maxTries     = 4                      // then the sequence restarts
	maxBusy      = 10                     // then the reader counts as silent: BUSY is not authenticated
	firstProbe   = 250 * time.Millisecond // doubling up to timing.probe
	statusEvery  = 5 * time.Second        // LSTAT also unasked-for: some readers never report by themselves
	sessionTime  = 24 * time.Hour         // a session key rests on 48 random bits: renewed
	sessionCount = 1 << 20                // frames, both ways
)

// service is what the daemon was told last.
type service uint8

const (
	unknown service = iota
	online
	offline
)

// phase is a step of the bring-up, or ready. Each asks one question
// ([pd.question]) and takes its answer ([pd.answer]).
type phase uint8

const (
	identify     phase = iota // ID in clear, sequence 0: also the probe of a silent or held reader
	describe                  // CAP in clear
	challenge                 // CHLNG, always with the reader's own key
	prove                     // SCRYPT
	identifyIn                // ID inside the session
	describeIn                // CAP inside the session
	announceSize              // ACURXSIZE
	askLocal                  // LSTAT
	askReaders                // RSTAT
	askInputs                 // ISTAT
	askOutputs                // OSTAT
	drain                     // POLL until ACK: what was read before this session is dropped
	ready
)

func newPD(opt ReaderOptions, tim timing, nonce func([]byte)) *pd {
	return &pd{opt: opt, tim: tim, nonce: nonce, fresh: true}
}

// start begins with nothing known, on a wire that was just opened.
func (p *pd) start(now time.Time) {
	p.restart(now, "no answer")
	p.due, p.heard, p.served = now, now, now
	p.hold.probe = firstProbe
}

// become enters a phase: the only place that changes it.
func (p *pd) become(now time.Time, ph phase) {
	p.phase, p.tx, p.due = ph, p.tx[:0], now
	p.tries, p.busy = 0, 0
}

// restart ends the session and begins again with sequence number 0. Back-off
// is the repeat interval, so that nobody makes us spin by NAKs.
func (p *pd) restart(now time.Time, why string) {
	p.session.end()
	p.secure, p.fresh, p.seenCaps = false, true, false
	p.seen = Identity{}
	p.reason = why
	p.become(now, identify)
	p.due = now.Add(repeatAfter)
}

// next gives the frame to send, without mark. It is the outstanding one, if
// there is one.
func (p *pd) next(now time.Time) []byte {
	p.watch(now)
	if p.phase == ready && len(p.tx) == 0 && p.stale(now) {
		p.restart(now, "session is renewed")
	}
	if len(p.tx) == 0 {
		p.compose(now)
	}
	p.sent = now
	return p.tx
}

// away tells that the reader is being probed: asking it may well cost a whole
// reply wait.
func (p *pd) away(now time.Time) bool { return now.Sub(p.heard) >= p.tim.silence }

// stale tells whether the session's keys have served long enough; a person at
// the reader goes first.
func (p *pd) stale(now time.Time) bool {
	return (now.Sub(p.began) >= sessionTime || p.frames >= sessionCount) && !p.display.pending()
}

// compose builds the next command.
func (p *pd) compose(now time.Time) {
	f := Frame{Address: p.opt.Address, Check: p.opt.Check}
	f.Code, f.Data = p.question(now)
	f.Sequence = p.advance()
	p.code = f.Code
	switch {
	case p.secure:
		p.frames++
		p.tx = p.session.seal(p.tx[:0], &f, p.padded[:])
		return
	case f.Code == CommandChallenge:
		f.Block, f.BlockData = SCS11, keyNumber
	case f.Code == CommandSCrypt:
		f.Block, f.BlockData = SCS13, keyNumber
	}
	p.tx = f.Append(p.tx[:0])
}

var keyNumber = []byte{keyReader}

// advance gives the next sequence number: 0 once, then 1, 2, 3, 1 …
// (OSDP v2.2 §5.9).
func (p *pd) advance() byte {
	if p.fresh {
		p.fresh, p.sequence = false, 0
	} else {
		p.sequence = p.sequence%3 + 1
	}
	return p.sequence
}

// receive takes a frame of good check value that arrived while a command was
// outstanding. It tells whether that ends the exchange; if not, the right
// answer may still come.
func (p *pd) receive(now time.Time, f *Frame) (done bool) {
	if !f.Reply || f.Address != p.opt.Address || len(p.tx) == 0 {
		return false // our own echo, another reader's late answer
	}
	if f.Block == 0 && (f.Code == ReplyBusy || f.Code == ReplyNAK && nakReason(f) == NAKCheck) {
		// Before the sequence number is looked at: BUSY always has 0, and who
		// could not read a command cannot know its number.
		p.postpone(now, f.Code)
		return true
	}
	if p.secure && f.Block == 0 && f.Code != ReplyNAK {
		p.alarm(now, drivers.ClearText, "reply %02x in clear inside the session was discarded", f.Code)
		return false
	}
	if f.Sequence != p.sequence {
		if f.Sequence == 0 {
			p.heard = now
			p.restart(now, "sequence restarted by the reader")
			return true
		}
		return false
	}
	data := f.Data
	if p.secure {
		switch f.Block {
		case 0: // a NAK: the reader lost the session, or somebody wants us to think so
			p.heard = now
			p.restart(now, "session lost by the reader")
			return true
		case SCS16, SCS18:
		default:
			return false
		}
		var err error
		if data, err = p.session.open(f); err != nil {
			p.spoiled(now, err)
			return true
		}
		p.frames++
	}
	p.heard = now
	p.watch(now)
	return p.answer(now, f, data)
}

// spoiled ends the session after a reply that could not be opened.
func (p *pd) spoiled(now time.Time, err error) {
	switch err {
	case errMAC:
		if p.alarms.macFailed(now) {
			p.refuse(now, drivers.MACFailure, "more than 3 wrong MACs in a minute")
			return
		}
		p.alarm(now, drivers.MACFailure, "wrong MAC: the session was dropped")
		p.restart(now, "wrong MAC")
	case errInClear:
		p.refuse(now, drivers.ClearText, "the reader sends data in clear inside the session")
	default:
		p.alarm(now, drivers.Malformed, "reply with wrong padding: the session was dropped")
		p.restart(now, "malformed reply")
	}
}

// postpone keeps the outstanding frame for another transmission.
func (p *pd) postpone(now time.Time, code byte) {
	if code == ReplyBusy {
		if p.busy++; p.busy <= maxBusy {
			p.heard = now
			p.due = now.Add(busyAfter)
			return
		}
	}
	p.silent(now)
}

// silent tells that no answer came in time.
func (p *pd) silent(now time.Time) {
	p.tries++
	p.due = p.sent.Add(repeatAfter)
	p.watch(now)
	if p.away(now) {
		p.hold.absent()
		if p.phase != identify {
			p.restart(now, "no answer")
		}
		// Whoever is away is asked more and more rarely: each probe costs the
		// other readers of the bus a whole reply wait.
		p.due = p.sent.Add(max(p.hold.probe, repeatAfter))
		p.hold.probe = min(2*p.hold.probe, p.tim.probe)
		return
	}
	if p.tries > maxTries && p.phase != identify {
		p.restart(now, "no answer")
	}
}

// watch reports the loss of service: no answer in the ready phase for the
// configured silence, whatever the reason, also that this process slept.
func (p *pd) watch(now time.Time) {
	if now.Sub(p.served) < p.tim.silence {
		return
	}
	if p.phase == ready {
		p.restart(now, "no answer")
		p.due = now
	}
	p.goOffline(p.reason, false)
}

func (p *pd) goOffline(reason string, unplugged bool) {
	if p.service != offline {
		p.service = offline
		p.out = append(p.out, drivers.Offline{Reason: reason, Unplugged: unplugged})
	}
}

// portLost tells that the wire itself went away.
func (p *pd) portLost(now time.Time, reason string) {
	p.restart(now, reason)
	p.goOffline(reason, true)
}

func nakReason(f *Frame) byte {
	if len(f.Data) == 0 {
		return 0
	}
	return f.Data[0]
}

// show takes a signal that was posted at.
func (p *pd) show(at time.Time, s drivers.Signal) {
	p.display.show(at, s)
	if p.phase == ready && len(p.tx) == 0 {
		p.due = at
	}
}
