package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"strings"
	"time"

	tlogfmt "github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A new checkpoint is due when this much went by uncovered.
const (
	CheckpointAge    = 60 * time.Second
	CheckpointEvents = 256
)

// tip is what a checkpoint says: that the first size leaves hash to root.
type tip struct {
	size uint64
	root tlog.Hash
	at   time.Time // when this process signed it; zero if it was found
	note []byte
}

// sign makes a checkpoint as C2SP tlog-checkpoint has it: origin, size, root,
// in a C2SP signed-note.
func sign(door string, key DeviceKey, f *frontier) ([]byte, error) {
	root := f.root()
	body := tlogfmt.Checkpoint{Origin: origin(door), Size: f.size, Hash: root[:]}
	b, err := note.Sign(&note.Note{Text: string(body.Marshal())}, signer{key, origin(door)})
	if err != nil {
		return nil, fmt.Errorf("cannot sign a checkpoint: %v", err)
	}
	return b, nil
}

// openNote verifies a checkpoint of the log that v belongs to. Signatures of
// others, a witness for example, may stand beside it.
func openNote(b []byte, v note.Verifier) (tip, error) {
	c, _, _, err := tlogfmt.ParseCheckpoint(b, v.Name(), v)
	if err != nil {
		return tip{}, fmt.Errorf("not a checkpoint of %s: %v", v.Name(), err)
	}
	if len(c.Hash) != tlog.HashSize || c.Size > 1<<62 {
		return tip{}, fmt.Errorf("not a checkpoint of %s: impossible size or hash", v.Name())
	}
	return tip{size: c.Size, root: tlog.Hash(c.Hash), note: b}, nil
}

// Checkpoint signs the tree as it stands if that is due: [CheckpointAge] after
// the last one, or [CheckpointEvents] events. It returns the newest note and
// whether it is new. Both limits are counted from the last checkpoint of this
// process; the first event after a start is therefore covered at once. now is
// the monotonic or wall clock of the caller; a clock that went back makes a
// checkpoint due.
func (l *Ledger) Checkpoint(ctx context.Context, now time.Time) ([]byte, bool, error) {
	if err := l.enter(ctx); err != nil {
		return nil, false, err
	}
	defer l.leave()
	if err := l.settle(ctx); err != nil {
		return nil, false, err
	}
	size, age := l.edge.size, now.Sub(l.tip.at)
	if size == l.tip.size || (age >= 0 && age < CheckpointAge && size-l.tip.size < CheckpointEvents) {
		return l.tip.note, false, nil
	}
	n, err := sign(l.identity.door, l.key, &l.edge)
	if err != nil {
		return nil, false, err
	}
	// One row a day: the newest of a day covers the earlier ones.
	day := now.UTC().Unix() / 86400
	err = l.transact(ctx, func(p *pen) error {
		_, err := p.conn.ExecContext(unhurried, `INSERT INTO checkpoint (day, size, note) VALUES (?, ?, ?)
			ON CONFLICT (day) DO UPDATE SET size = excluded.size, note = excluded.note`, day, int64(size), n)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("cannot keep a checkpoint: %w", err)
	}
	l.tip = tip{size: size, root: l.edge.root(), at: now, note: n}
	l.keepHead()
	return n, true, nil
}

// ReadCheckpoints splits a text that holds one or more signed notes, one after
// the other, as a collector keeps them. It checks nothing else. It reads at
// most 64 MiB.
func ReadCheckpoints(r io.Reader) ([][]byte, error) {
	const limit = 64 << 20
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read checkpoints: %v", err)
	}
	if len(raw) > limit {
		return nil, fmt.Errorf("more than %d bytes of checkpoints", limit)
	}
	var out [][]byte
	var cur bytes.Buffer
	signed := false // the current note has a signature line
	flush := func() {
		if b := bytes.TrimSpace(cur.Bytes()); len(b) > 0 {
			out = append(out, append(bytes.Clone(b), '\n'))
		}
		cur.Reset()
		signed = false
	}
	for line := range strings.Lines(strings.ReplaceAll(string(raw), "\r\n", "\n")) {
		sig := strings.HasPrefix(line, "— ")
		if signed && !sig {
			flush()
		}
		cur.WriteString(line)
		signed = signed || sig
	}
	flush()
	return out, nil
}

// newestTip reads the newest checkpoint that the database keeps.
func newestTip(ctx context.Context, db *sql.DB, v note.Verifier) (tip, error) {
	var raw []byte
	err := db.QueryRowContext(ctx, `SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1`).Scan(&raw)
	if err == sql.ErrNoRows {
		return tip{}, nil
	}
	if err != nil {
		return tip{}, fmt.Errorf("cannot read the newest checkpoint: %w", classify(err))
	}
	t, err := openNote(raw, v)
	if err != nil {
		return tip{}, fmt.Errorf("%w: the newest checkpoint: %v", ErrCorrupt, err)
	}
	return t, nil
}
