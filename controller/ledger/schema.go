package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"modernc.org/sqlite"
)

// Marks of the file itself: "seki" as SQLite's application id, and the layout's
// number as its user version.
const (
	applicationID = 0x73656b69
	layout        = 1
)

// saltSize is the length in bytes of the random salt before each body. With a
// fixed length H(salt ‖ body) has one reading only; with 128 bits nobody finds
// a forgotten body by trying out the few hundred likely ones.
const saltSize = 16

// schema is the whole layout, one object a statement. Open compares it word by
// word with what the file holds: a dropped trigger is damage.
//
// Only five things ever change in place, and the triggers say how: a body that
// has been forgotten, the bytes of its order, the newest checkpoint of a day, a
// collector's cursor and the caller's state rows.
var schema = []string{
	`CREATE TABLE identity (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	door TEXT NOT NULL,
	vkey TEXT NOT NULL
) STRICT`,
	`CREATE TABLE event (
	seq INTEGER PRIMARY KEY CHECK (seq > 0),
	salt BLOB CHECK (length(salt) = 16),
	body BLOB CHECK (length(body) > 0),
	CHECK ((salt IS NULL) = (body IS NULL))
) STRICT`,
	`CREATE TABLE tree (
	idx INTEGER PRIMARY KEY CHECK (idx >= 0),
	hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT`,
	`CREATE TABLE orders (
	id TEXT PRIMARY KEY CHECK (id <> ''),
	seq INTEGER NOT NULL,
	bytes BLOB
) STRICT, WITHOUT ROWID`,
	`CREATE INDEX orders_seq ON orders (seq)`,
	`CREATE TABLE register (
	year INTEGER NOT NULL,
	number INTEGER NOT NULL CHECK (number > 0),
	seq INTEGER NOT NULL,
	PRIMARY KEY (year, number)
) STRICT, WITHOUT ROWID`,
	`CREATE TABLE checkpoint (
	day INTEGER PRIMARY KEY,
	size INTEGER NOT NULL,
	note BLOB NOT NULL
) STRICT`,
	`CREATE TABLE state (
	name TEXT PRIMARY KEY,
	seq INTEGER NOT NULL,
	bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID`,
	`CREATE TABLE cursor (
	collector TEXT PRIMARY KEY,
	seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
	`CREATE TABLE forgotten (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	upto INTEGER NOT NULL
) STRICT`,

	`CREATE TRIGGER event_gapless BEFORE INSERT ON event
WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM event), 0)
BEGIN SELECT raise(ABORT, 'events are numbered without gaps'); END`,
	`CREATE TRIGGER event_kept BEFORE UPDATE ON event
WHEN NEW.seq <> OLD.seq OR NEW.body IS NOT NULL OR OLD.seq > (SELECT upto FROM forgotten)
BEGIN SELECT raise(ABORT, 'events do not change'); END`,
	`CREATE TRIGGER tree_kept BEFORE UPDATE ON tree
BEGIN SELECT raise(ABORT, 'hashes do not change'); END`,
	`CREATE TRIGGER orders_kept BEFORE UPDATE ON orders
WHEN NEW.id <> OLD.id OR NEW.seq <> OLD.seq OR NEW.bytes IS NOT NULL OR OLD.seq > (SELECT upto FROM forgotten)
BEGIN SELECT raise(ABORT, 'orders do not change'); END`,
	`CREATE TRIGGER register_kept BEFORE UPDATE ON register
BEGIN SELECT raise(ABORT, 'register numbers do not change'); END`,
	`CREATE TRIGGER identity_kept BEFORE UPDATE ON identity
BEGIN SELECT raise(ABORT, 'the identity does not change'); END`,
	`CREATE TRIGGER checkpoint_grows BEFORE UPDATE ON checkpoint
WHEN NEW.day <> OLD.day OR NEW.size < OLD.size
BEGIN SELECT raise(ABORT, 'checkpoints only grow'); END`,
	`CREATE TRIGGER cursor_grows BEFORE UPDATE ON cursor
WHEN NEW.collector <> OLD.collector OR NEW.seq < OLD.seq
BEGIN SELECT raise(ABORT, 'a cursor only grows'); END`,
	`CREATE TRIGGER forgotten_grows BEFORE UPDATE ON forgotten
WHEN NEW.upto < OLD.upto OR NEW.upto > (SELECT max(seq) FROM event)
BEGIN SELECT raise(ABORT, 'forgetting only grows'); END`,

	`CREATE TRIGGER event_stays BEFORE DELETE ON event BEGIN SELECT raise(ABORT, 'events stay'); END`,
	`CREATE TRIGGER tree_stays BEFORE DELETE ON tree BEGIN SELECT raise(ABORT, 'hashes stay'); END`,
	`CREATE TRIGGER orders_stay BEFORE DELETE ON orders BEGIN SELECT raise(ABORT, 'orders stay'); END`,
	`CREATE TRIGGER register_stays BEFORE DELETE ON register BEGIN SELECT raise(ABORT, 'register numbers stay'); END`,
	`CREATE TRIGGER checkpoint_stays BEFORE DELETE ON checkpoint BEGIN SELECT raise(ABORT, 'checkpoints stay'); END`,
	`CREATE TRIGGER identity_stays BEFORE DELETE ON identity BEGIN SELECT raise(ABORT, 'the identity stays'); END`,
	`CREATE TRIGGER forgotten_stays BEFORE DELETE ON forgotten BEGIN SELECT raise(ABORT, 'forgetting stays'); END`,
}

// checkSchema compares the file's marks and objects with the layout above.
func checkSchema(ctx context.Context, db *sql.DB) error {
	for pragma, want := range map[string]int64{"application_id": applicationID, "user_version": layout} {
		var got int64
		if err := db.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("%w: %s is %#x, not %#x", ErrCorrupt, pragma, got, want)
		}
	}
	rows, err := db.QueryContext(ctx, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return err
		}
		got = append(got, s)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, want := range schema {
		if !slices.Contains(got, want) {
			name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(want, "CREATE TABLE "), "CREATE TRIGGER "), " ")
			return fmt.Errorf("%w: %s is missing or altered", ErrCorrupt, name)
		}
	}
	if len(got) != len(schema) {
		return fmt.Errorf("%w: %d objects instead of %d", ErrCorrupt, len(got), len(schema))
	}
	return nil
}

// inserts and updates are all that a writer may do; the rest is refused when
// the statement is compiled, before any trigger is asked. REPLACE compiles to
// an insert with deletes that only the triggers see: both guards are needed.
var (
	inserts = []string{"event", "tree", "orders", "register", "checkpoint", "state", "cursor"}
	updates = []string{
		"event.salt", "event.body", "orders.bytes",
		"checkpoint.size", "checkpoint.note",
		"state.seq", "state.bytes", "cursor.seq", "forgotten.upto",
	}
	questions = []string{
		"journal_mode", "synchronous", "foreign_keys", "recursive_triggers",
		"trusted_schema", "secure_delete", "cell_size_check", "query_only", "busy_timeout",
		"application_id", "user_version", "quick_check",
	}
)

func authorizeWriter(action sqlite.AuthorizerActionCode, a1, a2, _, _ string) sqlite.AuthorizerReturnCode {
	switch action {
	case sqlite.AuthInsert:
		return allow(slices.Contains(inserts, a1))
	case sqlite.AuthUpdate:
		return allow(slices.Contains(updates, a1+"."+a2))
	case sqlite.AuthTransaction:
		return sqlite.AuthorizerOK
	case sqlite.AuthPragma:
		return allow(a1 == "wal_checkpoint" || asks(a1, a2))
	default:
		return allow(reads(action))
	}
}

func authorizeReader(action sqlite.AuthorizerActionCode, a1, a2, _, _ string) sqlite.AuthorizerReturnCode {
	if action == sqlite.AuthPragma {
		return allow(asks(a1, a2))
	}
	return allow(reads(action))
}

func reads(action sqlite.AuthorizerActionCode) bool {
	return action == sqlite.AuthSelect || action == sqlite.AuthRead || action == sqlite.AuthFunction
}

// asks tells whether a pragma only asks: it is known, and has no value.
func asks(name, value string) bool { return value == "" && slices.Contains(questions, name) }

func allow(ok bool) sqlite.AuthorizerReturnCode {
	if ok {
		return sqlite.AuthorizerOK
	}
	return sqlite.AuthorizerDeny
}
