package osdp

import (
	"crypto/subtle"
	"fmt"
	"time"

	"sekimori/drivers"
)

// question is what the phase asks: a command and its data.
func (p *pd) question(now time.Time) (code byte, data []byte) {
	switch p.phase {
	case identify, identifyIn:
		return CommandID, append(p.payload[:0], 0)
	case describe, describeIn:
		return CommandCap, append(p.payload[:0], 0)
	case challenge:
		p.nonce(p.rndA[:]) // one per attempt; a repeated CHLNG is the same frame
		return CommandChallenge, append(p.payload[:0], p.rndA[:]...)
	case prove:
		return CommandSCrypt, append(p.payload[:0], p.session.server[:]...)
	case announceSize:
		return CommandACURxSize, append(p.payload[:0], MaxFrame&0xFF, MaxFrame>>8)
	case askLocal:
		p.asked = now
		return CommandLStat, nil
	case askReaders:
		return CommandRStat, nil
	case askInputs:
		return CommandIStat, nil
	case askOutputs:
		return CommandOStat, nil
	case drain:
		p.polled = now
		return CommandPoll, nil
	case ready:
		return p.readyQuestion(now)
	}
	panic("osdp: internal error: unknown phase")
}

// answer takes a valid reply to the outstanding command. It tells whether that
// ends the exchange.
func (p *pd) answer(now time.Time, f *Frame, data []byte) (done bool) {
	if p.secure {
		p.answerIn(now, f.Code, data)
		return true
	}
	if f.Code == ReplyNAK {
		p.refusal(now, nakReason(f))
		return true
	}
	switch {
	case p.phase == identify && f.Code == ReplyPDID && f.Block == 0:
		p.identified(now, data)
	case p.phase == describe && f.Code == ReplyPDCap && f.Block == 0:
		p.described(now, data)
	case p.phase == challenge && f.Code == ReplyCCrypt && f.Block == SCS12:
		p.challenged(now, f.BlockData[0], data)
	case p.phase == prove && f.Code == ReplyRMACI && f.Block == SCS14:
		p.proved(now, f.BlockData[0], data)
	case f.Code == ReplyRaw || f.Code == ReplyFmt || f.Code == ReplyKeypad || f.Code == ReplyBioRead:
		p.alarm(now, drivers.ClearText, "reply %02x in clear before a session was discarded", f.Code)
		return false
	default:
		return false
	}
	return true
}

// refusal takes a NAK before there is a session.
func (p *pd) refusal(now time.Time, reason byte) {
	switch {
	case reason == NAKSequence:
		p.restart(now, "sequence refused by the reader")
	case p.phase == describe:
		p.become(now, challenge) // capabilities come again inside the session
	case p.phase == challenge:
		p.failedOnce(now, drivers.NoSecureChannel, fmt.Sprintf("the reader refuses a Secure Channel (NAK %02x)", reason))
	case p.phase == prove:
		p.failedOnce(now, drivers.BadKey, fmt.Sprintf("the reader refuses our proof of the key (NAK %02x)", reason))
	default:
		p.restart(now, fmt.Sprintf("NAK %02x to the identity question", reason))
		p.due = now.Add(p.tim.probe)
	}
}

// identified takes the PDID in clear. It decides nothing but refusals: whoever
// sits on the wire can write it.
func (p *pd) identified(now time.Time, data []byte) {
	if len(data) != len(p.seen.PDID) {
		p.alarm(now, drivers.Malformed, "identity of %d bytes", len(data))
		p.restart(now, "malformed identity")
		return
	}
	copy(p.seen.PDID[:], data)
	if p.hold.keeps(now, p.seen.PDID == p.opt.Pin.PDID) {
		reason := p.reason
		p.restart(now, reason)
		p.due = now.Add(p.tim.probe)
		return
	}
	if !p.opt.Pin.IsZero() && p.seen.PDID != p.opt.Pin.PDID {
		p.refuse(now, drivers.IdentityChanged, fmt.Sprintf("adopted %s, found %s", describePDID(p.opt.Pin.PDID), describePDID(p.seen.PDID)))
		return
	}
	p.become(now, describe)
}

// described takes the capabilities in clear. A downgrade is seen here at once;
// but nothing is believed before the session confirms it.
func (p *pd) described(now time.Time, data []byte) {
	if !p.takeCapabilities(now, data) {
		return
	}
	p.become(now, challenge)
}

func (p *pd) takeCapabilities(now time.Time, data []byte) bool {
	if len(data) == 0 || len(data)%3 != 0 {
		p.alarm(now, drivers.Malformed, "capabilities of %d bytes", len(data))
		p.restart(now, "malformed capabilities")
		return false
	}
	caps := HashCapabilities(data)
	if p.seenCaps && caps != p.seen.Caps {
		p.refuse(now, drivers.CapabilityChanged, "capabilities in clear and inside the session differ")
		return false
	}
	p.seen.Caps, p.seenCaps = caps, true
	if !p.opt.Pin.IsZero() && caps != p.opt.Pin.Caps {
		p.refuse(now, drivers.CapabilityChanged, fmt.Sprintf("the reader's capabilities are not the adopted ones: %x", data))
		return false
	}
	return true
}

// challenged takes CCRYPT: which key, who, RND.B and the reader's cryptogram.
func (p *pd) challenged(now time.Time, key byte, data []byte) {
	if len(data) != 32 {
		p.failedOnce(now, drivers.NoSecureChannel, fmt.Sprintf("handshake reply of %d bytes", len(data)))
		return
	}
	cuid, rndB, client := data[:8], data[8:16], data[16:32]
	if key != keyReader && !p.opt.TolerateKeyNumber {
		p.refuse(now, drivers.BadKey, fmt.Sprintf("the reader answers for key %02x (the default key), asked for its own", key))
		return
	}
	p.noteRandom(now, rndB)
	p.session.begin(p.opt.Key, p.rndA[:], rndB)
	if subtle.ConstantTimeCompare(client, p.session.client[:]) != 1 {
		p.failedOnce(now, drivers.BadKey, "the reader does not prove its key")
		return
	}
	copy(p.seen.CUID[:], cuid)
	if !p.opt.Pin.IsZero() && p.seen.CUID != p.opt.Pin.CUID {
		p.refuse(now, drivers.IdentityChanged, fmt.Sprintf("adopted unique identifier %x, found %x", p.opt.Pin.CUID, p.seen.CUID))
		return
	}
	p.become(now, prove)
}

// noteRandom flags a reader that gives the same random number again: its end of
// an older session can be played back to us.
func (p *pd) noteRandom(now time.Time, rndB []byte) {
	for i := range min(p.rndBs, len(p.rndB)) {
		if [8]byte(rndB) == p.rndB[i] {
			p.alarm(now, drivers.RepeatedNonce, "the reader's random number repeats")
			return
		}
	}
	p.rndB[p.rndBs%len(p.rndB)] = [8]byte(rndB)
	p.rndBs++
}

// proved takes RMAC_I. From here on everything is under MAC.
func (p *pd) proved(now time.Time, status byte, data []byte) {
	if status != 1 || subtle.ConstantTimeCompare(data, p.session.rmac[:]) != 1 {
		p.refuse(now, drivers.BadKey, "the reader refuses our proof of the key")
		return
	}
	p.secure, p.began, p.frames = true, now, 0
	p.become(now, identifyIn)
}

// answerIn takes a reply under a good MAC. The questions of the bring-up are
// optional for the reader, except who it is and what it can.
func (p *pd) answerIn(now time.Time, code byte, data []byte) {
	switch p.phase {
	case identifyIn:
		if code != ReplyPDID || len(data) != len(p.seen.PDID) {
			p.restart(now, "no identity inside the session")
		} else if [12]byte(data) != p.seen.PDID {
			p.refuse(now, drivers.IdentityChanged, "identity in clear and inside the session differ")
		} else {
			p.become(now, describeIn)
		}
	case describeIn:
		if code != ReplyPDCap {
			p.restart(now, "no capabilities inside the session")
		} else if p.takeCapabilities(now, data) {
			p.adopted(now, data)
		}
	case announceSize:
		p.become(now, askLocal)
	case askLocal:
		p.takeStatus(now, code, data)
		p.become(now, askReaders)
	case askReaders:
		p.takeStatus(now, code, data)
		p.become(now, askInputs)
		if !p.inputs {
			p.answerIn(now, ReplyACK, nil)
		}
	case askInputs:
		p.become(now, askOutputs)
		if !p.outputs {
			p.answerIn(now, ReplyACK, nil)
		}
	case askOutputs:
		p.become(now, drain)
	case drain:
		p.drained(now, code, data)
	case ready:
		p.readyAnswer(now, code, data)
	default:
		panic("osdp: internal error: session in a phase without one")
	}
}

// adopted takes the capabilities into use, if this reader was adopted at all.
func (p *pd) adopted(now time.Time, caps []byte) {
	if p.opt.Pin.IsZero() {
		p.refuse(now, drivers.NotAdopted, p.seen.String())
		return
	}
	_, in := capability(caps, FunctionInputs)
	_, out := capability(caps, FunctionOutputs)
	text, displays := capability(caps, FunctionText)
	p.inputs, p.outputs, p.columns = in > 0, out > 0, 0
	if displays > 0 {
		p.columns = textColumns(text)
	}
	p.become(now, announceSize)
}

// drained drops whatever the reader kept from before this session: a card must
// have been read in it. A reader that never comes to an end never comes into
// service.
func (p *pd) drained(now time.Time, code byte, data []byte) {
	p.takeStatus(now, code, data)
	switch code {
	case ReplyACK:
	case ReplyNAK:
		p.restart(now, "poll refused by the reader")
		return
	default:
		p.become(now, drain)
		return
	}
	p.become(now, ready)
	p.served = now
	p.hold.served(now)
	p.display.resume(now, p.columns)
	if p.service != online {
		p.service = online
		p.status.forget()
		p.out = append(p.out, drivers.Online{Identity: p.opt.Pin.String()})
	}
	p.reportStatus()
}
