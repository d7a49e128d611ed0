package daemon_test

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// childEnv names the test that this process was started for.
const childEnv = "SEKIMORI_TEST_CHILD"

// alone runs the test in a process of its own: a limit on file sizes holds for
// a whole process, and must not reach the other tests or what "go test" itself
// writes. It is true inside that process.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(childEnv) == t.Name() {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), childEnv+"="+t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("in a process of its own: %v\n%s", err, out)
	}
	return false
}

// noRoom is a disk on which not even an empty file can grow by a byte.
func noRoom(s *stage, full bool) {
	s.Helper()
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if full {
		limit.Cur = 1
	}
	if err := errors.Join(s.try("disk full"), unix.Setrlimit(unix.RLIMIT_FSIZE, &limit)); err != nil {
		s.Fatal(err)
	}
}
