package zfm

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"math/rand/v2"
)

// pattern is what is alike in two images of one finger.
type pattern [64]byte

// imageNoise is how many of the 512 bits an image has wrong at least and at
// most. Two images of one finger so differ in at most 80 bits, those of two
// fingers in 256 on average and practically never in fewer than 180.
const (
	imageNoiseMin = 12
	imageNoiseMax = 40
)

func patternOf(person string) pattern { return sha512.Sum512([]byte("finger of " + person)) }

// image is the pattern as one capture sees it.
func (p pattern) image(r *rand.Rand) pattern {
	n := imageNoiseMin + r.IntN(imageNoiseMax-imageNoiseMin+1)
	for _, bit := range r.Perm(len(p) * 8)[:n] {
		p[bit/8] ^= 1 << (bit % 8)
	}
	return p
}

func (p pattern) distance(q pattern) (d int) {
	for i := range p {
		d += bits.OnesCount8(p[i] ^ q[i])
	}
	return d
}

// score is 0 for two fingers that do not match at this security level (1, the
// loosest, to 5), else 60 to 200.
func score(p, q pattern, level byte) uint16 {
	d := p.distance(q)
	if d > 150-10*int(level) {
		return 0
	}
	return uint16(200 - d)
}

// merged is the majority of the views' bits; a tie keeps the first view's.
func merged(views []pattern) (m pattern) {
	for bit := range len(m) * 8 {
		ones := 0
		for _, v := range views {
			ones += int(v[bit/8] >> (bit % 8) & 1)
		}
		if 2*ones > len(views) || 2*ones == len(views) && views[0][bit/8]>>(bit%8)&1 == 1 {
			m[bit/8] |= 1 << (bit % 8)
		}
	}
	return m
}

const blobMark = "sim1"

// blob makes a template or feature file of size bytes: mark, pattern, filler
// that looks like data (every byte value, EF 01 among them), checksum.
func blob(p pattern, size int) []byte {
	b := append([]byte(blobMark), p[:]...)
	seed := sha256.Sum256(p[:])
	filler := rand.NewChaCha8(seed)
	for len(b) < size-4 {
		b = append(b, byte(filler.Uint64()))
	}
	copy(b[100:], []byte{0xEF, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0x55, 0x11, 0x13})
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// patternIn reads a blob of another module; ok only if it is whole.
func patternIn(b []byte) (p pattern, ok bool) {
	if len(b) < len(blobMark)+len(p)+4 || !bytes.HasPrefix(b, []byte(blobMark)) {
		return p, false
	}
	body := b[:len(b)-4]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(b[len(body):]) {
		return p, false
	}
	copy(p[:], b[len(blobMark):])
	return p, true
}
