package zfm

import (
	"errors"
	"io"
	"os"
	"time"

	"sekimori/drivers"
)

// Stream makes a wire for [Module.Run] of the master of a pseudo-terminal, or
// of anything else whose Read is ended by its Close. The far end of a
// pseudo-terminal must be held open and in raw mode by the rig: a fresh one
// echoes, and without any opener every read fails. An *os.File whose Fd method
// was called must be set non-blocking again, or its Close waits for its Read.
func Stream(end io.ReadWriteCloser) drivers.Wire { return stream{end} }

type stream struct{ end io.ReadWriteCloser }

// Read has no deadline: the module's reader waits until Close.
func (s stream) Read(p []byte, _ time.Time) (int, error) {
	n, err := s.end.Read(p)
	return n, meaning(err)
}

func (s stream) Write(p []byte) (int, error) {
	n, err := s.end.Write(p)
	return n, meaning(err)
}

func (s stream) Close() error { return s.end.Close() }

func meaning(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return drivers.ErrClosed
	default: // end of file and EIO: nobody holds the far end any more
		return drivers.ErrUnplugged
	}
}
