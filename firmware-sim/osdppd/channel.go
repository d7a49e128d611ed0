package osdppd

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
)

// defaultKey is SCBK-D, which everybody knows.
var defaultKey = [16]byte{0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f}

// channel is the PD's end of a Secure Channel.
type channel struct {
	challenged, established bool
	enc, mac1, mac2         cipher.Block
	expected                []byte // the ACU's cryptogram
	received, sent          []byte // last whole MACs; each side's next IV comes from the other's
}

// challenge starts a session of these random numbers and gives the PD's
// cryptogram.
func (c *channel) challenge(key [16]byte, rndA, rndB []byte) (cryptogram []byte) {
	*c = channel{challenged: true}
	derive := func(label byte) cipher.Block {
		text := append([]byte{1, label}, rndA[:6]...)
		return block(ecb(block(key[:]), append(text, make([]byte, 8)...)))
	}
	c.enc, c.mac1, c.mac2 = derive(0x82), derive(0x01), derive(0x02)
	c.expected = ecb(c.enc, bytes.Join([][]byte{rndB, rndA}, nil))
	return ecb(c.enc, bytes.Join([][]byte{rndA, rndB}, nil))
}

// prove checks the ACU's cryptogram and gives the initial R-MAC.
func (c *channel) prove(cryptogram []byte) (rmac []byte, ok bool) {
	if !c.challenged || !bytes.Equal(cryptogram, c.expected) {
		*c = channel{}
		return nil, false
	}
	rmac = ecb(c.mac2, ecb(c.mac1, cryptogram))
	c.challenged, c.established = false, true
	c.received, c.sent = rmac, rmac
	return rmac, true
}

// mac is CBC-MAC with a key of its own for the last block.
func (c *channel) mac(iv, msg []byte) []byte {
	if len(msg)%16 != 0 {
		msg = pad(msg)
	}
	head, tail := msg[:len(msg)-16], msg[len(msg)-16:]
	if len(head) > 0 {
		out := make([]byte, len(head))
		cipher.NewCBCEncrypter(c.mac1, iv).CryptBlocks(out, head)
		iv = out[len(out)-16:]
	}
	out := make([]byte, 16)
	cipher.NewCBCEncrypter(c.mac2, iv).CryptBlocks(out, tail)
	return out
}

// open verifies a command and decrypts its data.
func (c *channel) open(covered, mac, data []byte, encrypted bool) (plain []byte, ok bool) {
	full := c.mac(c.sent, covered)
	if !bytes.Equal(full[:4], mac) {
		return nil, false
	}
	iv := not(c.sent)
	c.received = full
	if !encrypted || len(data) == 0 {
		return data, true
	}
	if len(data)%16 != 0 {
		return nil, false
	}
	plain = make([]byte, len(data))
	cipher.NewCBCDecrypter(c.enc, iv).CryptBlocks(plain, data)
	plain = bytes.TrimRight(plain, "\x00")
	return bytes.CutSuffix(plain, []byte{0x80})
}

// encrypt encrypts the data of an answer.
func (c *channel) encrypt(data []byte) []byte {
	out := pad(data)
	cipher.NewCBCEncrypter(c.enc, not(c.received)).CryptBlocks(out, out)
	return out
}

// sign gives the MAC of an answer and moves the chain.
func (c *channel) sign(covered []byte) []byte {
	c.sent = c.mac(c.received, covered)
	return c.sent[:4]
}

func pad(b []byte) []byte {
	b = append(bytes.Clone(b), 0x80)
	return append(b, make([]byte, (16-len(b)%16)%16)...)
}

func not(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = ^b[i]
	}
	return out
}

func ecb(key cipher.Block, text []byte) []byte {
	out := make([]byte, 16)
	key.Encrypt(out, text)
	return out
}

func block(key []byte) cipher.Block {
	b, err := aes.NewCipher(key)
	if err != nil {
		panic("osdppd: internal error: " + err.Error())
	}
	return b
}
