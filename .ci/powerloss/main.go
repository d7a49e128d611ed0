// Powerloss takes the power from a disk while a program writes to it, and sees
// whether the program kept its word.
//
// The disk is a FUSE file with a volatile write cache; a loop device and ext4
// stand on it, and the program works on that in a process of its own, saying
// "ACK n" on standard output for each number that it declares durable. At a
// cut, taken inside one of its writes, the disk keeps what was flushed, and of
// the rest nothing, a prefix, or random sectors. Each of these images is
// mounted, which replays the file system's journal, and the same program in
// its check mode must answer "LAST n" with an n not below what was
// acknowledged when the power went. The program under test only pauses while
// the images are looked at; it does not know of the cuts.
//
// A rig that finds nothing proves nothing: -expect caught turns the verdict
// round, for a program or a mount that is known to lose data.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

type options struct {
	dir     string
	program string
	mode    string // name of the environment variable that chooses work or check
	folder  string // name of the one that says where
	cuts    int
	size    int
	mount   string
	expect  string
	seed    uint64
	limit   time.Duration
}

// The programs that this one starts die with it, which Linux ties to the
// thread that started them.
func init() { runtime.LockOSThread() }

var withUs = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "folder to work in, made and removed (on a memory file system it is fastest)")
	flag.StringVar(&o.program, "program", "", "program under test")
	flag.StringVar(&o.mode, "mode", "SEKIMORI_LEDGER_CHILD", "environment variable for work and check")
	flag.StringVar(&o.folder, "folder", "SEKIMORI_LEDGER_DIR", "environment variable for the folder")
	flag.IntVar(&o.cuts, "cuts", 40, "power cuts, three images each")
	flag.IntVar(&o.size, "size", 96<<20, "size of the disk in bytes")
	flag.StringVar(&o.mount, "mount", "noatime", "mount options of the disk in use")
	flag.StringVar(&o.expect, "expect", "clean", "clean: nothing may be lost; caught: something must be")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "seed of where and what is cut")
	flag.DurationVar(&o.limit, "limit", 3*time.Minute, "time for all of it")
	justClean := flag.Bool("clean", false, "only remove what an earlier run left under -dir")
	flag.Parse()
	if *justClean {
		exit(clean(o.dir))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	err := run(ctx, o)
	exit(errors.Join(err, clean(o.dir)))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "powerloss:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, o options) (err error) {
	fuseDir, inUse, found := filepath.Join(o.dir, "fuse"), filepath.Join(o.dir, "use"), filepath.Join(o.dir, "found")
	for _, d := range []string{fuseDir, inUse, found} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	var acked atomic.Uint64
	d := newDisk(o.size, acked.Load)
	srv, err := d.serve(fuseDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.Unmount()) }()
	detach, err := attach(filepath.Join(fuseDir, "disk"), inUse, o.mount, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, detach()) }()
	w, err := start(o, filepath.Join(inUse, "ledger"), &acked)
	if err != nil {
		return err
	}
	defer w.stop()

	rng := rand.New(rand.NewPCG(o.seed, 0))
	results := map[string]int{}
	lost := 0
	began := time.Now()
	for i := range o.cuts {
		c, err := next(ctx, d, w, rng)
		if err != nil {
			return fmt.Errorf("cut %d: %v", i, err)
		}
		w.pause()
		for _, s := range survivals {
			verdict := inspect(ctx, o, c, s, found, rng)
			results[fmt.Sprintf("%-7s  %s", s, kind(verdict))]++
			if verdict == nil {
				continue
			}
			if lost++; lost <= 3 {
				fmt.Printf("  cut %d, %s of %d unflushed writes survived, %d acknowledged: %v\n", i, s, len(c.pending), c.acked, verdict)
			}
		}
		w.resume()
		if lost > 0 && o.expect == "caught" {
			break
		}
	}
	report(o, d, acked.Load(), results, time.Since(began))
	switch {
	case o.expect == "caught" && lost == 0:
		return errors.New("nothing was lost where something must be: this rig proves nothing")
	case o.expect != "caught" && lost > 0:
		return fmt.Errorf("%d images lost something (seed %d)", lost, o.seed)
	}
	return nil
}

// next waits for a cut at a random write; the program must be past its start.
func next(ctx context.Context, d *disk, w *worker, rng *rand.Rand) (*cut, error) {
	for c := d.cutAfter(1 + rng.IntN(120)); ; c = d.cutAfter(1 + rng.IntN(120)) {
		select {
		case got := <-c:
			if got.acked >= 20 {
				return got, nil
			}
		case <-w.done:
			return nil, fmt.Errorf("the program ended by itself: %s", w.last.Load())
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// inspect mounts one image and lets the program judge what is there.
func inspect(ctx context.Context, o options, c *cut, s survival, dir string, rng *rand.Rand) error {
	image := filepath.Join(o.dir, "image")
	if err := os.WriteFile(image, c.image(s, rng), 0o600); err != nil {
		return err
	}
	detach, err := attach(image, dir, "noatime", false)
	if err != nil {
		return fmt.Errorf("the file system is gone: %v", err)
	}
	cmd := exec.CommandContext(ctx, o.program)
	cmd.Env = append(os.Environ(), o.mode+"=check", o.folder+"="+filepath.Join(dir, "ledger"))
	cmd.SysProcAttr = withUs
	out, failed := cmd.CombinedOutput()
	if err := detach(); err != nil {
		return err
	}
	var last uint64
	if _, err := fmt.Sscanf(string(out), "LAST %d", &last); err != nil || failed != nil {
		return fmt.Errorf("%s", strings.TrimSpace(string(out)))
	}
	if last < c.acked {
		return fmt.Errorf("lost %d acknowledged events", c.acked-last)
	}
	return nil
}

// kind groups verdicts for the summary.
func kind(err error) string {
	if err == nil {
		return "ok"
	}
	text := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return 'n'
		}
		return r
	}, err.Error())
	if len(text) > 60 {
		text = text[:60]
	}
	return strings.Join(strings.Fields(text), " ")
}

func report(o options, d *disk, acked uint64, results map[string]int, took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Printf("  %d events acknowledged, %d disk writes, %d flushes, %.1f s, seed %d\n", acked, d.writes, d.flushes, took.Seconds(), o.seed)
	var keys []string
	for k := range results {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		fmt.Printf("  %5d  %s\n", results[k], k)
	}
}

// worker is the program at work.
type worker struct {
	cmd  *exec.Cmd
	done chan struct{}
	last atomic.Value // its last line that was no acknowledgement
}

func start(o options, dir string, acked *atomic.Uint64) (*worker, error) {
	w := &worker{cmd: exec.Command(o.program), done: make(chan struct{})}
	w.last.Store("")
	w.cmd.Env = append(os.Environ(), o.mode+"=work", o.folder+"="+dir, "SEKIMORI_LEDGER_INIT=1")
	w.cmd.Stderr, w.cmd.SysProcAttr = os.Stderr, withUs
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %v", o.program, err)
	}
	go func() {
		defer close(w.done)
		w.follow(out, acked)
	}()
	return w, nil
}

func (w *worker) follow(out io.Reader, acked *atomic.Uint64) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var n uint64
		if _, err := fmt.Sscanf(lines.Text(), "ACK %d", &n); err == nil {
			acked.Store(n)
		} else {
			w.last.Store(lines.Text())
		}
	}
}

// pause and resume: a ledger that grows while nobody cuts only makes the next
// image slower to look at.
func (w *worker) pause()  { w.cmd.Process.Signal(syscall.SIGSTOP) }
func (w *worker) resume() { w.cmd.Process.Signal(syscall.SIGCONT) }

// stop kills the program: a disk that goes away under it would hold it for ever.
func (w *worker) stop() {
	w.cmd.Process.Kill()
	<-w.done
	w.cmd.Wait()
}
