package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that a caller acts on. ErrMissing, ErrShorter and ErrCorrupt mean
// that this ledger must not be written: the door refuses entry, raises the
// alarm and keeps every way out.
var (
	// ErrMissing: there is no ledger (or no device key) where one should be.
	ErrMissing = errors.New("ledger is missing")
	// ErrShorter: the ledger ends before something that is known to have been in it.
	ErrShorter = errors.New("ledger is shorter than it was")
	// ErrCorrupt: the ledger contradicts itself, or its own signed checkpoint.
	ErrCorrupt = errors.New("ledger is corrupt")
	// ErrLocked: another process holds the ledger, or held it until the
	// caller's deadline. Nothing was written.
	ErrLocked = errors.New("ledger is locked")
	// ErrFull: the disk, or the size that the process may write, is exhausted.
	// Nothing was written; once there is room, the next append succeeds.
	ErrFull = errors.New("no room for the ledger")
	// ErrOrderUsed: an order with this id stands in the ledger already.
	ErrOrderUsed = errors.New("order was used before")
	// ErrExists: Init found something where the ledger should go.
	ErrExists = errors.New("something is there already")
	// ErrClosed: the ledger was closed.
	ErrClosed = errors.New("ledger is closed")
)

// File names inside the ledger's directory.
const (
	databaseFile = "ledger.db"
	headFile     = "head"
	keyFile      = "device.key"
)

// readers bounds the read-only pool: scans of several readers without pause
// starve the writer on a machine with few cores.
const readers = 2

// access is one way to open the database: how, what must hold afterwards, and
// what statements may do.
type access struct {
	query     string            // of the DSN
	pragmas   map[string]string // asserted after opening
	authorize sqlite.AuthorizerFn
	conns     int
}

// SQLite takes an unknown pragma or a misspelt value in silence, and then runs
// with less durability than asked for. Hence every setting is read back.
var (
	writing = access{
		query: "mode=rw&_journal_mode=WAL&_synchronous=FULL&_busy_timeout=10000&_foreign_keys=1&_defensive=1&_dqs=0" +
			"&_pragma=recursive_triggers(1)&_pragma=trusted_schema(0)&_pragma=secure_delete(1)&_pragma=cell_size_check(1)",
		pragmas: map[string]string{
			"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "recursive_triggers": "1",
			"trusted_schema": "0", "secure_delete": "1", "cell_size_check": "1", "query_only": "0", "busy_timeout": "10000",
		},
		authorize: authorizeWriter,
		conns:     1,
	}
	reading = access{
		query: "mode=ro&_busy_timeout=10000&_query_only=1&_defensive=1&_dqs=0&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)",
		pragmas: map[string]string{
			"query_only": "1", "trusted_schema": "0", "cell_size_check": "1", "busy_timeout": "10000",
		},
		authorize: authorizeReader,
		conns:     readers,
	}
)

// connector opens the physical connections of one pool, so that a connection
// that database/sql replaces is asserted and fenced like the first.
type connector struct {
	driver.Connector
	access access
}

func connect(path string, a access) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot name %s: %v", path, err)
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: abs, RawQuery: a.query}
	c, err := sqlite.NewConnector(dsn.String())
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %v", path, err)
	}
	db := sql.OpenDB(connector{c, a})
	db.SetMaxOpenConns(a.conns)
	db.SetMaxIdleConns(a.conns)
	return db, nil
}

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, classify(err)
	}
	if err := c.fence(ctx, conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (c connector) fence(ctx context.Context, conn driver.Conn) error {
	for name, want := range c.access.pragmas {
		got, err := pragma(ctx, conn, name)
		if err != nil {
			return fmt.Errorf("cannot read back %s: %w", name, classify(err))
		}
		if got != want {
			return fmt.Errorf("internal error: ledger: %s is %s, not %s", name, got, want)
		}
	}
	r, ok := conn.(sqlite.AuthorizerRegisterer)
	if !ok {
		return errors.New("internal error: ledger: the driver has no authorizer")
	}
	return r.RegisterAuthorizer(c.access.authorize)
}

func pragma(ctx context.Context, conn driver.Conn, name string) (string, error) {
	q, ok := conn.(driver.QueryerContext)
	if !ok {
		return "", errors.New("internal error: ledger: the driver cannot query")
	}
	rows, err := q.QueryContext(ctx, "PRAGMA "+name, nil)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	row := make([]driver.Value, 1)
	if err := rows.Next(row); err != nil {
		return "", err
	}
	return fmt.Sprint(row[0]), nil
}

// classify turns SQLite's and the context's errors into ours; others pass.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %v", ErrFull, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: %v", ErrLocked, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %v", ErrCorrupt, err)
	case sqlite3.SQLITE_IOERR:
		// SQLite knows ENOSPC as full, but not EFBIG.
		if fileSizeLimited() {
			return fmt.Errorf("%w: %v", ErrFull, err)
		}
	}
	return err
}

// present tells a missing or empty file from one that can be opened.
func present(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w: %s does not exist", ErrMissing, path)
	case err != nil:
		return fmt.Errorf("cannot look at %s: %v", path, err)
	case info.IsDir():
		return fmt.Errorf("%w: %s is a directory", ErrMissing, path)
	case info.Size() == 0:
		return fmt.Errorf("%w: %s is empty", ErrMissing, path)
	}
	return nil
}

// immutable is the way to a database that nobody can be writing: a copy in a
// folder where not even SQLite's own side files can be made.
func immutable(a access) access {
	a.query = "immutable=1&" + a.query
	return a
}

// walBeside tells whether a write-ahead log with contents lies beside path. A
// copy without it is a copy of an older ledger.
func walBeside(path string) bool {
	info, err := os.Stat(path + "-wal")
	return err == nil && info.Size() > 0
}

// locate gives the database of a ledger's directory, or path itself.
func locate(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Join(path, databaseFile)
	}
	return strings.TrimSuffix(path, "/")
}
