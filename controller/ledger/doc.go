// Package ledger keeps every event of one door: durable when Append returns,
// numbered from 1 without gaps, append-only, and such that tampering shows.
//
// # What lies in the directory
//
// ledger.db is an SQLite database in WAL mode with full synchronisation; every
// setting is read back on every connection, because SQLite takes a misspelt
// one in silence. head is one sector that says how far the ledger had come.
// device.key is the box's Ed25519 key, mode 0600. [Init] makes all three once;
// [Open] never makes anything, and tells missing, shorter, corrupt and locked
// apart.
//
// # The tree
//
// An event's body is the canonical JSON of event.Event, and the same bytes go
// to the broker. Its leaf is SHA-256 over salt and body in the tree of RFC 6962
// (golang.org/x/mod/sumdb/tlog), whose hashes stand in the same transaction.
// [Ledger.Checkpoint] signs the root as a C2SP tlog-checkpoint; the checkpoints
// that leave the box are what [Verify] needs to prove anything against somebody
// who has the box and its key. Past retention [Ledger.Forget] takes body and
// salt and leaves the leaf: the tree still verifies.
//
// # What stands with an event
//
// Orders byte by byte (their hash is in the event, so the tree covers them too),
// the number of the entry register, and the caller's state rows. A cursor for
// each collector makes the ledger the outbox.
//
// # Limits
//
// A context bounds waiting for locks, not a disk that hangs in a sync. A whole
// directory put back from an old copy agrees with itself: the collector's
// acknowledgement ([ErrBeyond]) or a checkpoint kept elsewhere shows it. An
// append that failed in its very sync is reported as failed, and after a crash
// at that moment may yet be there: more is recorded than was acted upon, never
// less. A start looks at the newest events and the signed root; only [Verify]
// reads everything.
package ledger
