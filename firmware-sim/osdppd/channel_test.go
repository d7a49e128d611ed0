package osdppd

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"sekimori/drivers/card"
	"sekimori/drivers/osdp"
)

// The PD's own cryptography is held against the vectors from outside, too: it
// opens every command and signs every answer of a session to the byte.
func TestChannelVectors(t *testing.T) {
	for _, name := range []string{"osdp-session.txt", "osdp-install.txt"} {
		c := vectorChannel{t: t, name: name, values: map[string][]byte{}}
		text, err := os.ReadFile("../../testdata/vectors/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			digits, _, _ := strings.Cut(rest, " ")
			b, _ := hex.DecodeString(strings.TrimPrefix(digits, "-"))
			switch word {
			case "C", "R":
				c.frame(b)
			case "data":
				c.data(b)
			case "mac":
				if got := c.pd.received; !c.repeated && !c.f.Reply && !bytes.Equal(got, b) {
					t.Fatalf("%s: MAC %x, want %x", name, got, b)
				}
			default:
				c.values[word] = b
			}
		}
		if c.macs < 4 {
			t.Errorf("%s: %d MACs", name, c.macs)
		}
	}
}

// vectorChannel is a PD's channel that reads a vector file.
type vectorChannel struct {
	t        *testing.T
	name     string
	values   map[string][]byte
	pd       channel
	f        osdp.Frame
	command  []byte
	repeated bool // the command is the last one again: its MAC does not move the chain
	macs     int
}

// frame takes a frame of the file, and the handshake at once.
func (c *vectorChannel) frame(b []byte) {
	c.t.Helper()
	if _, s := osdp.Scan(b, &c.f); s != osdp.Whole {
		c.t.Fatalf("%s: %x is no frame", c.name, b)
	}
	if !c.f.Reply {
		c.repeated = bytes.Equal(b, c.command)
		c.command = b
	} else {
		c.repeated = false
	}
	switch c.f.Block {
	case osdp.SCS11:
		if got := c.pd.challenge([16]byte(c.values["scbk"]), c.values["rnd.a"], c.values["rnd.b"]); !bytes.Equal(got, c.values["client"]) {
			c.t.Fatalf("%s: client cryptogram %x", c.name, got)
		}
	case osdp.SCS13:
		if got, ok := c.pd.prove(c.f.Data); !ok || !bytes.Equal(got, c.values["rmac_i"]) {
			c.t.Fatalf("%s: R-MAC %x, %v", c.name, got, ok)
		}
	}
}

// data takes what the file says the last frame's data is.
func (c *vectorChannel) data(want []byte) {
	c.t.Helper()
	if c.repeated {
		return
	}
	c.macs++
	if !c.f.Reply {
		got, ok := c.pd.open(c.f.Covered(), c.f.MAC, c.f.Data, c.f.Block == osdp.SCS17)
		if !ok || !bytes.Equal(got, want) {
			c.t.Fatalf("%s: %x opened to %x, %v, want %x", c.name, c.f.Bytes, got, ok, want)
		}
		return
	}
	if len(want) > 0 && !bytes.Equal(c.pd.encrypt(want), c.f.Data) {
		c.t.Fatalf("%s: %x encrypted to %x", c.name, c.f.Bytes, c.pd.encrypt(want))
	}
	if got := c.pd.sign(c.f.Covered()); !bytes.Equal(got, c.f.MAC) {
		c.t.Fatalf("%s: %x signed %x", c.name, c.f.Bytes, got)
	}
}

// Whatever an ACU sends, in whatever state: no panic, and in clear never more
// than identity, capabilities and handshake.
func FuzzHear(f *testing.F) {
	poll := osdp.Frame{Address: 1, Sequence: 1, Code: osdp.CommandPoll}
	led := osdp.Frame{Address: 1, Sequence: 2, Code: osdp.CommandLED, Data: make([]byte, 14)}
	f.Add(byte(0), byte(osdp.CommandPoll), byte(1), poll.Data)
	f.Add(byte(osdp.SCS17), byte(osdp.CommandLED), byte(2), led.Data)
	f.Add(byte(osdp.SCS11), byte(osdp.CommandChallenge), byte(1), make([]byte, 8))
	f.Fuzz(func(t *testing.T, block, code, sequence byte, data []byte) {
		if len(data) > 1000 {
			return
		}
		p := New(Options{Address: 1, Key: [16]byte{1, 2, 3}})
		if err := p.PresentCard(card.H10301, "1"); err != nil {
			t.Fatal(err)
		}
		id := osdp.Frame{Address: 1, Code: osdp.CommandID, Data: []byte{0}}
		command := osdp.Frame{Address: 1, Sequence: sequence & 3, Block: block, Code: code, Data: data}
		switch {
		case block >= osdp.SCS15 && block <= osdp.SCS18:
			command.MAC = make([]byte, 4)
		case block != 0:
			command.BlockData = []byte{1}
		}
		now := time.Now()
		for _, frame := range []osdp.Frame{id, command} {
			var got osdp.Frame
			if _, s := osdp.Scan(frame.Append(nil), &got); s != osdp.Whole {
				return // not a frame: a reserved block type with another length
			}
			a, ok, _ := p.hear(now, &got)
			if !ok {
				continue
			}
			var reply osdp.Frame
			if _, s := osdp.Scan(a.bytes, &reply); s != osdp.Whole {
				t.Fatalf("the answer %x is no frame", a.bytes)
			}
			switch reply.Code {
			case osdp.ReplyPDID, osdp.ReplyPDCap, osdp.ReplyNAK, osdp.ReplyCCrypt, osdp.ReplyRMACI:
			default:
				t.Fatalf("answered %x in clear", a.bytes)
			}
		}
		p.mu.Lock()
		p.display.command(code, data)
		p.mu.Unlock()
	})
}
