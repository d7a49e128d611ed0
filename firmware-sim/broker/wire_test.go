package broker

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"
)

// TestConn holds the in-memory connection against what Go asks of a net.Conn.
func TestConn(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		a, b := Pair()
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}

// TestWaitsAreDurable: whoever waits on a connection lets virtual time run.
func TestWaitsAreDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		a, b := Pair()
		a.SetReadDeadline(begin.Add(time.Hour))
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != time.Hour {
			t.Errorf("read: %v after %v", err, time.Since(begin))
		}
		a.SetWriteDeadline(time.Now().Add(time.Hour))
		n, err := a.Write(make([]byte, connBuffer+1))
		if n != connBuffer || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != 2*time.Hour {
			t.Errorf("write: %d bytes, %v after %v", n, err, time.Since(begin))
		}
		go func() {
			time.Sleep(time.Minute)
			a.Close()
		}()
		got, err := io.ReadAll(b)
		if err != nil || len(got) != connBuffer {
			t.Errorf("what was under way at the close: %d bytes, %v", len(got), err)
		}
		if _, err := b.Write([]byte{1}); err == nil {
			t.Error("a write to a closed peer succeeds")
		}
	})
}

func TestListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Listen()
		go func() {
			c, _ := l.Accept()
			c.Write([]byte("hello"))
			c.Close()
		}()
		c, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(c); string(b) != "hello" {
			t.Errorf("read %q", b)
		}
		l.Refuse(true)
		if _, err := l.Dial(t.Context()); !errors.Is(err, ErrRefused) {
			t.Errorf("refusing: %v", err)
		}
		l.Refuse(false)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.Dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nobody accepts: %v", err)
		}
		l.Close()
		if _, err := l.Dial(t.Context()); !errors.Is(err, ErrRefused) {
			t.Errorf("closed: %v", err)
		}
	})
}
