package osdppd

import (
	"bytes"
	"crypto/rand"

	"sekimori/drivers/osdp"
)

// execute carries out a new command and gives its answer, nil for silence.
func (p *PD) execute(f *osdp.Frame) []byte {
	switch f.Block {
	case 0:
		return p.executeInClear(f)
	case osdp.SCS11:
		return p.challenged(f)
	case osdp.SCS13:
		return p.proved(f)
	case osdp.SCS15, osdp.SCS17:
		return p.executeSecure(f)
	default:
		return p.plain(f, osdp.ReplyNAK, []byte{osdp.NAKBlock})
	}
}

// executeInClear: only who the reader is and what it can.
func (p *PD) executeInClear(f *osdp.Frame) []byte {
	if p.channel.established {
		p.loseSession()
		return p.plain(f, osdp.ReplyNAK, []byte{osdp.NAKConditions})
	}
	switch f.Code {
	case osdp.CommandID, osdp.CommandCap:
		code, data := p.device(f.Code, f.Data, false)
		return p.plain(f, code, data)
	}
	return p.plain(f, osdp.ReplyNAK, []byte{osdp.NAKConditions})
}

func (p *PD) challenged(f *osdp.Frame) []byte {
	key, number := p.opt.Key, byte(1)
	if p.faults.WrongKey {
		key[0] ^= 1
	}
	if p.faults.DefaultKey {
		key, number = defaultKey, 0
	}
	if p.faults.KeyNumberZero {
		number = 0
	}
	installing := p.faults.DefaultKey // only such a reader takes k = 00
	if p.faults.NoSecureChannel || f.Code != osdp.CommandChallenge || len(f.Data) != 8 || f.BlockData[0] != 1 && !installing {
		return p.plain(f, osdp.ReplyNAK, []byte{osdp.NAKBlock})
	}
	p.counts[f.Code]++
	p.reading = false
	rndB := []byte("abcdefgh") // what a PD in the field was seen to send always
	if !p.faults.ConstantRandom {
		_, _ = rand.Read(rndB)
	}
	cryptogram := p.channel.challenge(key, f.Data, rndB)
	cuid := p.opt.CUID
	if p.faults.CUID != nil {
		cuid = *p.faults.CUID
	}
	r := osdp.Frame{Address: p.address(f), Reply: true, Sequence: f.Sequence, Check: f.Check,
		Block: osdp.SCS12, BlockData: []byte{number}, Code: osdp.ReplyCCrypt,
		Data: bytes.Join([][]byte{cuid[:], rndB, cryptogram}, nil)}
	return r.Append(nil)
}

func (p *PD) proved(f *osdp.Frame) []byte {
	if f.Code != osdp.CommandSCrypt || len(f.Data) != 16 {
		return p.plain(f, osdp.ReplyNAK, []byte{osdp.NAKBlock})
	}
	p.counts[f.Code]++
	r := osdp.Frame{Address: p.address(f), Reply: true, Sequence: f.Sequence, Check: f.Check,
		Block: osdp.SCS14, BlockData: []byte{0x01}, Code: osdp.ReplyRMACI}
	rmac, ok := p.channel.prove(f.Data)
	if !ok {
		r.BlockData, rmac = []byte{0xFF}, make([]byte, 16)
	}
	r.Data = rmac
	return r.Append(nil)
}

func (p *PD) executeSecure(f *osdp.Frame) []byte {
	var data []byte
	ok := p.channel.established
	if ok {
		data, ok = p.channel.open(f.Covered(), f.MAC, f.Data, f.Block == osdp.SCS17)
	}
	if !ok {
		p.loseSession()
		if p.faults.SilentOnBadMAC {
			return nil
		}
		return p.plain(f, osdp.ReplyNAK, []byte{osdp.NAKConditions})
	}
	p.counts[f.Code]++
	code, reply := p.device(f.Code, data, true)
	bytes := p.secured(f, code, reply)
	if code == osdp.ReplyRaw {
		p.recorded = bytes
	}
	return bytes
}

// secured builds an answer inside the session.
func (p *PD) secured(f *osdp.Frame, code byte, data []byte) []byte {
	r := osdp.Frame{Address: p.address(f), Reply: true, Sequence: f.Sequence, Check: f.Check, Block: osdp.SCS16, Code: code}
	switch {
	case len(data) > 0 && p.faults.ClearData:
		r.Data = data
	case len(data) > 0, p.faults.EmptyBlocks:
		r.Block, r.Data = osdp.SCS18, p.channel.encrypt(data)
	case p.faults.HollowBlocks:
		r.Block = osdp.SCS18
	}
	out := r.AppendBody(nil)
	out = append(out, p.channel.sign(out)...)
	return osdp.AppendCheck(out, 0, f.Check)
}

// device is what the reader does, whichever way the command came.
func (p *PD) device(code byte, data []byte, secure bool) (reply byte, out []byte) {
	switch code {
	case osdp.CommandPoll:
		return p.poll()
	case osdp.CommandID:
		id := p.opt.PDID
		if p.faults.PDID != nil {
			id = *p.faults.PDID
		}
		return osdp.ReplyPDID, id[:]
	case osdp.CommandCap:
		switch {
		case p.faults.LyingCapabilities != nil && !secure:
			return osdp.ReplyPDCap, p.faults.LyingCapabilities
		case p.faults.Capabilities != nil:
			return osdp.ReplyPDCap, p.faults.Capabilities
		}
		return osdp.ReplyPDCap, p.opt.Capabilities
	case osdp.CommandLStat:
		p.changed = false
		return osdp.ReplyLStatR, p.local()
	case osdp.CommandIStat:
		return p.perUnit(osdp.FunctionInputs, osdp.ReplyIStatR)
	case osdp.CommandOStat:
		return p.perUnit(osdp.FunctionOutputs, osdp.ReplyOStatR)
	case osdp.CommandRStat:
		return osdp.ReplyRStatR, []byte{0}
	case osdp.CommandACURxSize:
		if len(data) != 2 {
			return osdp.ReplyNAK, []byte{osdp.NAKLength}
		}
		return osdp.ReplyACK, nil
	case osdp.CommandLED, osdp.CommandBuz, osdp.CommandText:
		if reason := p.display.command(code, data); reason != 0 {
			return osdp.ReplyNAK, []byte{reason}
		}
		return osdp.ReplyACK, nil
	}
	return osdp.ReplyNAK, []byte{osdp.NAKCommand}
}

// poll gives one report, or ACK. A badge is read only in a session that the
// reader has seen polling: what stays in the field is read then.
func (p *PD) poll() (reply byte, out []byte) {
	if p.changed {
		p.changed = false
		return osdp.ReplyLStatR, p.local()
	}
	if len(p.held) > 0 && (p.reading || p.faults.KeepQueue) {
		r := p.held[0]
		p.held = p.held[1:]
		head := byte(0)
		if p.faults.LastReader != nil {
			head = *p.faults.LastReader
		}
		return osdp.ReplyRaw, append([]byte{head, 1, byte(r.bits), byte(r.bits >> 8)}, r.raw...)
	}
	p.reading = true
	return osdp.ReplyACK, nil
}

func (p *PD) local() []byte {
	out := []byte{0, 0}
	if p.tamper {
		out[0] = 1
	}
	if p.power {
		out[1] = 1
	}
	return out
}

// perUnit answers with one inactive byte for each input or output that the
// capabilities name.
func (p *PD) perUnit(function, reply byte) (byte, []byte) {
	for i := 0; i+2 < len(p.opt.Capabilities); i += 3 {
		if p.opt.Capabilities[i] == function && p.opt.Capabilities[i+2] > 0 {
			return reply, make([]byte, p.opt.Capabilities[i+2])
		}
	}
	return osdp.ReplyNAK, []byte{osdp.NAKCommand}
}
