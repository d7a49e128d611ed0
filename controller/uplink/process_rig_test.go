package uplink

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sekimori/firmware-sim/broker"
)

// deskEnv makes this test binary a broker: see TestMain.
const deskEnv = "SEKIMORI_TEST_DESK"

type deskArgs struct {
	Addr, Store string
	Files       broker.Files
	Doors       []string
}

// TestMain runs the tests, or the embedded broker in a process of its own, so
// that a kill is a real kill.
func TestMain(m *testing.M) {
	if s := os.Getenv(deskEnv); s != "" {
		if err := runDesk(s); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func runDesk(s string) error {
	var a deskArgs
	if err := json.Unmarshal([]byte(s), &a); err != nil {
		return err
	}
	tls, err := broker.ReadServer(a.Files)
	if err != nil {
		return err
	}
	return broker.RunDesk(context.Background(), broker.DeskConfig{
		Addr: a.Addr, Store: a.Store, TLS: tls, Doors: a.Doors,
		Ready: func(addr string) { fmt.Println("ready", addr) },
	})
}

// peer is a broker in a process of its own.
type peer struct {
	t       *testing.T
	addr    string
	command func() *exec.Cmd
	process *exec.Cmd
	ca      *broker.Authority
	readers sync.WaitGroup

	mu   sync.Mutex
	took map[int]bool // lengths of event payloads that the broker logged as received
}

// require skips, aloud, unless the machine is one that must have the part.
func require(t *testing.T, part, path string) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		return
	}
	if strings.Contains(os.Getenv("SEKIMORI_REQUIRE"), part) {
		t.Fatalf("%s is not installed (%s), but SEKIMORI_REQUIRE asks for it", part, path)
	}
	t.Skipf("SKIPPED: %s is not installed (%s): the real broker was not tested", part, path)
}

func newPeer(t *testing.T) (*peer, broker.Files, string) {
	t.Helper()
	ca, err := broker.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files, err := ca.Write(filepath.Join(dir, "tls"), broker.ServerName)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	p := &peer{t: t, addr: l.Addr().String(), ca: ca, took: map[int]bool{}}
	t.Cleanup(p.kill)
	return p, files, dir
}

// mosquitto runs the shipped configuration, with this test's port and files.
func mosquitto(t *testing.T) *peer {
	const binary = "/usr/sbin/mosquitto"
	require(t, "mosquitto", binary)
	p, files, dir := newPeer(t)
	shipped, err := os.ReadFile("../../deploy/mosquitto/mosquitto.conf")
	if err != nil {
		t.Fatal(err)
	}
	acl, err := filepath.Abs("../../deploy/mosquitto/acl")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(p.addr)
	conf := string(shipped)
	for old, new := range map[string]string{
		"listener 8883": "listener " + port + " 127.0.0.1", "/etc/mosquitto/sekimori/ca.pem": files.CA,
		"/etc/mosquitto/sekimori/broker.pem": files.Cert, "/etc/mosquitto/sekimori/broker.key": files.Key,
		"/etc/mosquitto/sekimori/acl": acl, "/var/lib/mosquitto/": dir + "/", "log_dest syslog": "log_dest stderr\nlog_type all",
	} {
		if strings.Count(conf, old) != 1 {
			t.Fatalf("the shipped configuration does not hold %q once", old)
		}
		conf = strings.Replace(conf, old, new, 1)
	}
	if os.Getuid() == 0 {
		conf += "\nuser root\n"
	}
	path := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	p.command = func() *exec.Cmd { return exec.Command(binary, "-c", path) }
	p.start()
	return p
}

// desk runs the embedded broker in a process of its own.
func desk(t *testing.T) *peer {
	p, files, dir := newPeer(t)
	args, err := json.Marshal(deskArgs{Addr: p.addr, Store: filepath.Join(dir, "store"), Files: files, Doors: []string{doorID, "archive", "intruder"}})
	if err != nil {
		t.Fatal(err)
	}
	p.command = func() *exec.Cmd {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), deskEnv+"="+string(args))
		return c
	}
	p.start()
	return p
}

func (p *peer) start() {
	p.t.Helper()
	c := p.command()
	out, err := c.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.process = c
	p.readers.Go(func() { p.follow(bufio.NewScanner(out)) })
	for end := time.Now().Add(20 * time.Second); ; {
		conn, err := net.Dial("tcp", p.addr)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("the broker does not answer: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

var received = regexp.MustCompile(`Received PUBLISH from .*/events', \.\.\. \((\d+) bytes\)`)

// follow reads the broker's own log: what it says it received, it received.
func (p *peer) follow(s *bufio.Scanner) {
	for s.Scan() {
		if m := received.FindStringSubmatch(s.Text()); m != nil {
			n, _ := strconv.Atoi(m[1])
			p.mu.Lock()
			p.took[n] = true
			p.mu.Unlock()
		}
	}
}

func (p *peer) hasTaken(length int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.took[length]
}

// kill is SIGKILL.
func (p *peer) kill() {
	if p.process != nil {
		p.process.Process.Kill()
		p.readers.Wait() // first: Wait closes the pipe and would lose the log's end
		p.process.Wait()
		p.process = nil
	}
}

func (p *peer) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", p.addr)
}

// collect runs a collector at the broker.
func (p *peer) collect(ctx context.Context, tasks *sync.WaitGroup) *broker.Collector {
	p.t.Helper()
	tls, err := p.ca.Client(broker.HeadEnd)
	if err != nil {
		p.t.Fatal(err)
	}
	c := broker.NewCollector(broker.CollectorOptions{Dial: p.dial, TLS: tls, AckEvery: 50 * time.Millisecond})
	tasks.Go(func() { c.Run(ctx) })
	if err := c.Ready(ctx); err != nil {
		p.t.Fatal(err)
	}
	return c
}

// door runs an uplink at the broker, with certificate files as a real door has.
func (p *peer) door(ctx context.Context, tasks *sync.WaitGroup, id string, l Ledger, change func(*Options)) *Uplink {
	p.t.Helper()
	files, err := p.ca.Write(p.t.TempDir(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	o := Options{
		Door: id, Dial: p.dial, TLS: TLSFiles(id, broker.ServerName, files.CA, files.Cert, files.Key), Ledger: l,
		RetryMin: 50 * time.Millisecond, RetryMax: 300 * time.Millisecond, Stall: time.Second,
	}
	if change != nil {
		change(&o)
	}
	u, err := New(o)
	if err != nil {
		p.t.Fatal(err)
	}
	tasks.Go(func() { u.Run(ctx) })
	return u
}
