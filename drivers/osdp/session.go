package osdp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
)

// What is wrong with a reply inside a session.
var (
	errMAC     = errors.New("wrong MAC")
	errPadding = errors.New("wrong padding")
	errInClear = errors.New("data in clear")
)

// session is the ACU's end of a Secure Channel (OSDP v2.2 Annex D). It works in
// its caller's buffers and allocates only when a session begins.
type session struct {
	enc, mac1, mac2 cipher.Block // S-ENC, S-MAC1, S-MAC2; nil before begin

	client, server, rmac [16]byte // both cryptograms, initial R-MAC

	// The last whole MACs of both directions. Each is the chaining value of the
	// next frame the other way, and its complement that frame's IV.
	command, reply [16]byte

	block [16]byte // scratch; a field, since what goes through cipher.Block escapes
}

// begin derives the session's keys from the reader's key and the first six
// bytes of RND.A, and computes both cryptograms and the initial R-MAC.
func (s *session) begin(key Key, rndA, rndB []byte) {
	base := newBlock(key.bytes())
	s.enc = s.derive(base, 0x82, rndA)
	s.mac1 = s.derive(base, 0x01, rndA)
	s.mac2 = s.derive(base, 0x02, rndA)

	s.crypt(&s.client, s.enc, rndA, rndB)
	s.crypt(&s.server, s.enc, rndB, rndA)
	s.mac1.Encrypt(s.rmac[:], s.server[:])
	s.mac2.Encrypt(s.rmac[:], s.rmac[:])
	s.command, s.reply = s.rmac, s.rmac
}

// end forgets the session.
func (s *session) end() { *s = session{} }

func (s *session) derive(base cipher.Block, label byte, rndA []byte) cipher.Block {
	clear(s.block[:])
	s.block[0], s.block[1] = 0x01, label
	copy(s.block[2:8], rndA)
	base.Encrypt(s.block[:], s.block[:])
	return newBlock(s.block[:])
}

func (s *session) crypt(dst *[16]byte, key cipher.Block, first, second []byte) {
	copy(s.block[:8], first)
	copy(s.block[8:], second)
	key.Encrypt(dst[:], s.block[:])
}

func newBlock(key []byte) cipher.Block {
	b, err := aes.NewCipher(key)
	if err != nil {
		panic("osdp: internal error: " + err.Error())
	}
	return b
}

// seal appends the command f, encrypted if it has data, with MAC and check
// value. It sets f.Block and moves the MAC chain: a sealed frame is sent again
// byte for byte, never sealed again.
func (s *session) seal(dst []byte, f *Frame, padded []byte) []byte {
	f.Block, f.BlockData = SCS15, nil
	if len(f.Data) > 0 {
		f.Block = SCS17
		f.Data = s.encrypt(append(padded[:0], f.Data...), &s.reply)
	}
	start := len(dst)
	dst = f.AppendBody(dst)
	s.chain(&s.command, &s.reply, dst[start:])
	dst = append(dst, s.command[:macSize]...)
	return AppendCheck(dst, start, f.Check)
}

// open verifies the reply f and decrypts its data in place. After errMAC the
// session is dead. Data in clear under a good MAC is refused: the standard lets
// SCS_16 carry it, we do not.
func (s *session) open(f *Frame) (data []byte, err error) {
	var mac [16]byte
	s.chain(&s.block, &s.command, f.Covered())
	mac = s.block
	if subtle.ConstantTimeCompare(mac[:macSize], f.MAC) != 1 {
		return nil, errMAC
	}
	s.reply = mac
	if f.Block == SCS16 {
		if len(f.Data) > 0 {
			return nil, errInClear
		}
		return nil, nil
	}
	return s.decrypt(f.Data, &s.command)
}

// chain computes the MAC of msg with the chaining value icv into out, which may
// be neither icv nor overlap msg: CBC, all blocks under S-MAC1, the last one
// under S-MAC2, padded only if needed.
func (s *session) chain(out, icv *[16]byte, msg []byte) {
	*out = *icv
	for len(msg) > 16 {
		subtle.XORBytes(out[:], out[:], msg[:16])
		s.mac1.Encrypt(out[:], out[:])
		msg = msg[16:]
	}
	subtle.XORBytes(out[:len(msg)], out[:len(msg)], msg)
	if len(msg) < 16 {
		out[len(msg)] ^= 0x80
	}
	s.mac2.Encrypt(out[:], out[:])
}

// encrypt pads b, always, and encrypts it in place (b may grow). The IV is the
// complement of icv.
func (s *session) encrypt(b []byte, icv *[16]byte) []byte {
	b = append(b, 0x80)
	for len(b)%16 != 0 {
		b = append(b, 0)
	}
	complement(&s.block, icv)
	for i := 0; i < len(b); i += 16 {
		subtle.XORBytes(s.block[:], s.block[:], b[i:i+16])
		s.enc.Encrypt(s.block[:], s.block[:])
		copy(b[i:], s.block[:])
	}
	return b
}

// decrypt decrypts b in place and strips the padding. An empty block and a
// block of padding only both give no data: buses in the field carry either.
func (s *session) decrypt(b []byte, icv *[16]byte) ([]byte, error) {
	if len(b)%16 != 0 {
		return nil, errPadding
	}
	// From the last block back, so that each finds its predecessor still
	// encrypted.
	for i := len(b) - 16; i >= 0; i -= 16 {
		s.enc.Decrypt(b[i:i+16], b[i:i+16])
		if i > 0 {
			subtle.XORBytes(b[i:i+16], b[i:i+16], b[i-16:i])
		} else {
			complement(&s.block, icv)
			subtle.XORBytes(b[:16], b[:16], s.block[:])
		}
	}
	if len(b) == 0 {
		return nil, nil
	}
	end := len(b) - 1
	for end > len(b)-16 && b[end] == 0 {
		end--
	}
	if b[end] != 0x80 {
		return nil, errPadding
	}
	return b[:end], nil
}

func complement(dst, src *[16]byte) {
	for i := range src {
		dst[i] = ^src[i]
	}
}
