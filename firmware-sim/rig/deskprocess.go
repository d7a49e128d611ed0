package rig

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a process of the desk's own: this program again, in another part.
type process struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed when it was reaped
	err  error         // how it ended; after gone
}

// launch starts this program in the part that args name. extra becomes file
// descriptor 3. log gets what it says on stderr, through a pipe: a limit on its
// file sizes does not cut its log short.
//
// It lives in a process group of its own, so that a Ctrl-C at the terminal is
// ours to act upon, and dies with us however we die: the kernel sees to that,
// and so does the end of its link (see [Child]).
func launch(args []string, stdout io.Writer, log io.Writer, extra *os.File, env ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", args[0], err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), supervision), env...)
	cmd.Stdout, cmd.Stderr = stdout, struct{ io.Writer }{log}
	if extra != nil {
		cmd.ExtraFiles = []*os.File{extra}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", args[0], err)
	}
	p := &process{cmd: cmd, gone: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.gone)
	}()
	return p, nil
}

// supervision tells the variables with which our own supervisor, if we have
// one, speaks to us alone (sd_notify(3), sd_watchdog_enabled(3)).
func supervision(variable string) bool {
	for _, name := range []string{"NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID="} {
		if strings.HasPrefix(variable, name) {
			return true
		}
	}
	return false
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) running() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// strike sends SIGKILL and does not wait.
func (p *process) strike() { _ = p.cmd.Process.Kill() }

// kill ends it at once.
func (p *process) kill() {
	p.strike()
	<-p.gone
}

// orderly is how long a process may take to end in order.
const orderly = 15 * time.Second

// stop lets it end in order; its error is how it ended.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(orderly)
	defer timer.Stop()
	select {
	case <-p.gone:
		return p.err
	case <-timer.C:
		p.kill()
		return fmt.Errorf("did not end within %v of SIGTERM", orderly)
	}
}

// supervisor is the rig's end of sd_notify(3): how the real daemon tells that
// it is in service.
type supervisor struct {
	conn  *net.UnixConn
	ready chan struct{} // closed at the first READY=1
	done  sync.WaitGroup
}

// newSupervisor listens in the abstract name space, where no path is too long.
func newSupervisor() (*supervisor, error) {
	addr := &net.UnixAddr{Net: "unixgram", Name: "@sekimori-desk-" + rand.Text()}
	conn, err := net.ListenUnixgram("unixgram", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot supervise: %w", err)
	}
	s := &supervisor{conn: conn, ready: make(chan struct{})}
	s.done.Go(s.listen)
	return s, nil
}

func (s *supervisor) environment() string { return "NOTIFY_SOCKET=" + s.conn.LocalAddr().String() }

func (s *supervisor) listen() {
	var b [4096]byte
	for told := false; ; {
		n, err := s.conn.Read(b[:])
		if err != nil {
			return
		}
		if !told && slices.Contains(strings.Split(string(b[:n]), "\n"), "READY=1") {
			told = true
			close(s.ready)
		}
	}
}

// close ends the listening and waits for it.
func (s *supervisor) close() {
	s.conn.Close()
	s.done.Wait()
}

// await returns when p is ready: nil, or why it never will be.
func (s *supervisor) await(ctx context.Context, p *process) error {
	select {
	case <-s.ready:
		return nil
	case <-p.gone:
		return fmt.Errorf("ended at once: %w", p.err)
	case <-ctx.Done():
		return fmt.Errorf("did not become ready: %w", context.Cause(ctx))
	}
}
