package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// canon writes the canonical form of a roster into a hash: every text with its
// length before it and every list with its count, so that no two rosters give
// the same bytes.
type canon struct {
	h   hash.Hash
	buf []byte
}

func (c *canon) text(list ...string) {
	for _, s := range list {
		c.buf = binary.AppendUvarint(c.buf[:0], uint64(len(s)))
		c.buf = append(c.buf, s...)
		c.h.Write(c.buf)
	}
}

func (c *canon) num(list ...int64) {
	for _, n := range list {
		c.buf = binary.AppendVarint(c.buf[:0], n)
		c.h.Write(c.buf)
	}
}

func (c *canon) yes(b bool) {
	if b {
		c.num(1)
	} else {
		c.num(0)
	}
}

// hashRoster walks the records in their index order, which depends on the
// content alone.
func hashRoster(r *Roster) string {
	c := &canon{h: sha256.New()}
	c.text("sekimori roster 1")
	c.num(int64(len(r.persons)))
	for i := range r.persons {
		p := r.personData(i)
		c.text(string(p.ID), p.Name, p.Kana, p.Affiliation, string(p.Category), string(p.Standing))
		c.num(int64(p.From), int64(p.To))
		c.yes(p.Extended)
	}
	c.num(int64(len(r.badges)))
	for i := range r.badges {
		b := r.badgeData(i)
		c.text(string(b.ID), b.Number, string(b.Person), string(b.State))
		c.num(int64(b.From), int64(b.To))
	}
	c.num(int64(len(r.fingers)))
	for i := range r.fingers {
		f := r.fingerData(i)
		c.text(string(f.Person))
		c.num(int64(f.Page), int64(f.EnrolledAt))
	}
	c.num(int64(len(r.posts)))
	for i := range r.posts {
		p := r.postData(i)
		c.text(string(p.ID), p.Ja, p.En)
	}
	c.num(int64(len(r.tenures)))
	for i := range r.tenures {
		t := r.tenureData(i)
		c.text(string(t.Post), string(t.Person), t.As)
		c.num(int64(t.From), int64(t.To))
	}
	c.num(int64(len(r.permits)))
	for i := range r.permits {
		p := r.permitData(i)
		c.text(string(p.ID), string(p.Place), string(p.Person), string(p.Post), string(p.Approver),
			p.Days, p.Hours, p.Purpose)
		c.num(int64(p.ApprovedAt), int64(p.From), int64(p.To), int64(p.RevokedAt))
		c.yes(p.Holidays)
	}
	return hex.EncodeToString(c.h.Sum(nil))
}
