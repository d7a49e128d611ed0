package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// frontier is the right edge of a Merkle tree in the sense of RFC 6962 §2.1:
// the roots of the complete subtrees that its size is made of. It is all that
// an append needs to know of the tree. The zero frontier is the empty tree. It
// is a value: a copy is a snapshot.
type frontier struct {
	size  uint64
	nodes [64]tlog.Hash // nodes[l] is valid if bit l of size is set
}

// add puts a leaf at the end and appends to out the hashes to store for it, in
// the order of tlog.StoredHashes: the leaf, then each subtree that it completes.
func (f *frontier) add(leaf tlog.Hash, out []tlog.Hash) []tlog.Hash {
	out = append(out, leaf)
	h := leaf
	level := bits.TrailingZeros64(^f.size)
	for l := range level {
		h = tlog.NodeHash(f.nodes[l], h)
		out = append(out, h)
	}
	f.nodes[level] = h
	f.size++
	return out
}

// root is the tree's hash; of the empty tree, what RFC 6962 says of it.
func (f *frontier) root() tlog.Hash {
	if f.size == 0 {
		h, _ := tlog.TreeHash(0, nil)
		return h
	}
	first := bits.TrailingZeros64(f.size)
	h := f.nodes[first]
	for l := first + 1; l < bits.Len64(f.size); l++ {
		if f.size>>l&1 == 1 {
			h = tlog.NodeHash(f.nodes[l], h)
		}
	}
	return h
}

// leafHash is the leaf of an event: H(salt ‖ body) with the leaf prefix of RFC
// 6962 §2.1.
func leafHash(salt, body []byte) tlog.Hash {
	buf := make([]byte, 0, 1024)
	return tlog.RecordHash(append(append(buf, salt...), body...))
}

// readFrontier reads the edge of the first size leaves from the stored rows.
func readFrontier(ctx context.Context, db *sql.DB, size uint64) (frontier, error) {
	f := frontier{size: size}
	for l := range bits.Len64(size) {
		if size>>l&1 == 0 {
			continue
		}
		idx := tlog.StoredHashIndex(l, int64(size>>l)-1)
		h, err := readHash(ctx, db, idx)
		if err != nil {
			return frontier{}, err
		}
		f.nodes[l] = h
	}
	return f, nil
}

func readHash(ctx context.Context, db *sql.DB, idx int64) (tlog.Hash, error) {
	var raw []byte
	err := db.QueryRowContext(ctx, `SELECT hash FROM tree WHERE idx = ?`, idx).Scan(&raw)
	if err == sql.ErrNoRows {
		return tlog.Hash{}, fmt.Errorf("%w: hash %d of the tree is missing", ErrCorrupt, idx)
	}
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("cannot read hash %d of the tree: %w", idx, classify(err))
	}
	if len(raw) != tlog.HashSize {
		return tlog.Hash{}, fmt.Errorf("%w: hash %d of the tree has %d bytes", ErrCorrupt, idx, len(raw))
	}
	return tlog.Hash(raw), nil
}
