package order

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"sekimori/policy"
)

// desk is an inbox with a loop that records.
type desk struct {
	t     *testing.T
	dir   string
	box   *Inbox
	ctx   context.Context
	tasks sync.WaitGroup
	stop  context.CancelFunc

	mu      sync.Mutex
	used    map[string]bool
	items   []Item
	failing bool // the loop cannot record
}

// inBubble runs a test with an inbox in virtual time. Windows of orders are
// judged by the bubble's clock, moved to the tests' year.
func inBubble(t *testing.T, before func(dir string), body func(d *desk)) {
	t.Helper()
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t, dir: dir, used: map[string]bool{}}
		if before != nil {
			before(dir)
		}
		d.start()
		body(d)
		d.end()
	})
}

func (d *desk) start() {
	epoch := time.Now()
	box, err := New(Options{
		Dir: d.dir, Here: testHere, Keys: func() *Keys { return testKeys(d.t) },
		Now: func() policy.Instant {
			return policy.Instant{Wall: testNow.Wall.Add(time.Since(epoch)), Trusted: true}
		},
		Used: func(_ context.Context, id string) (bool, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.used[id], nil
		},
		Log: slog.New(slog.NewTextHandler(d.t.Output(), nil)),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.box = box
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.tasks.Go(func() { box.Run(d.ctx) })
	d.tasks.Go(d.loop)
}

func (d *desk) end() {
	d.stop()
	d.tasks.Wait()
}

// loop records every item, unless it cannot.
func (d *desk) loop() {
	for {
		select {
		case <-d.ctx.Done():
			return
		case i := <-d.box.Items():
			d.mu.Lock()
			ok := !d.failing
			if ok {
				d.items = append(d.items, i)
				if i.Order != nil {
					d.used[i.Order.ID.String()] = true
				}
			}
			d.mu.Unlock()
			i.Done(ok)
		}
	}
}

func (d *desk) recorded() (orders []*Order, refusals map[Code]uint64, lines int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	refusals = map[Code]uint64{}
	for _, i := range d.items {
		if i.Order != nil {
			orders = append(orders, i.Order)
		} else {
			refusals[i.Refusal.Code] += i.Count
			lines++
		}
	}
	return orders, refusals, lines
}

func (d *desk) waiting() []string {
	names, err := filepath.Glob(filepath.Join(d.dir, "*"+orderSuffix))
	if err != nil {
		d.t.Fatal(err)
	}
	return names
}

func (d *desk) put(b []byte) {
	d.t.Helper()
	if err := Put(d.dir, b); err != nil {
		d.t.Fatal(err)
	}
}

// numbered is a valid order with an id of its own.
func numbered(t testing.TB, n byte) []byte {
	d := sample(Release)
	d.ID[0] = n
	return signDocument(t, d)
}

func TestInboxDeliversAndForgets(t *testing.T) {
	inBubble(t, nil, func(d *desk) {
		for n := range byte(5) {
			d.put(numbered(t, n))
		}
		time.Sleep(time.Second)
		orders, refusals, _ := d.recorded()
		if len(orders) != 5 || len(refusals) != 0 {
			t.Errorf("%d orders, refusals %v", len(orders), refusals)
		}
		if w := d.waiting(); len(w) != 0 {
			t.Errorf("left: %v", w)
		}
	})
}

// TestInboxKeepsWhatWasNotRecorded: the file goes only after the record.
func TestInboxKeepsWhatWasNotRecorded(t *testing.T) {
	inBubble(t, nil, func(d *desk) {
		d.failing = true
		d.put(numbered(t, 1))
		time.Sleep(30 * time.Second)
		if len(d.waiting()) != 1 {
			t.Fatal("the order is gone, but nothing was recorded")
		}
		d.mu.Lock()
		d.failing = false
		d.mu.Unlock()
		time.Sleep(10 * time.Second)
		if orders, _, _ := d.recorded(); len(orders) != 1 || len(d.waiting()) != 0 {
			t.Errorf("%d orders, %d waiting", len(orders), len(d.waiting()))
		}
	})
}

func TestP8Replay(t *testing.T) {
	inBubble(t, nil, func(d *desk) {
		signed := numbered(t, 1)
		d.put(signed)
		time.Sleep(time.Second)
		d.put(signed)
		if err := d.box.Submit(d.ctx, signed); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		orders, refusals, _ := d.recorded()
		if len(orders) != 1 || refusals[Replay] == 0 {
			t.Errorf("%d orders, refusals %v", len(orders), refusals)
		}
	})
}

// TestReplayAfterRestart: a file that the last run recorded but could not clear
// is no attack; the same order put again is.
func TestReplayAfterRestart(t *testing.T) {
	inBubble(t, nil, func(d *desk) {
		signed := numbered(t, 1)
		d.put(signed)
		time.Sleep(time.Second)
		d.end()
		d.put(signed) // as if the removal had been lost with the power
		d.start()
		time.Sleep(time.Second)
		if _, refusals, _ := d.recorded(); refusals[Replay] != 0 || len(d.waiting()) != 0 {
			t.Errorf("refusals %v, waiting %v", refusals, d.waiting())
		}
		d.put(signed)
		time.Sleep(time.Second)
		if orders, refusals, _ := d.recorded(); len(orders) != 1 || refusals[Replay] != 1 {
			t.Errorf("%d orders, refusals %v", len(orders), refusals)
		}
	})
}

// TestForgeriesNeitherFillDiskNorLedger: 20,000 forged orders leave no file and
// one line a minute; a good one between them comes through.
func TestForgeriesNeitherFillDiskNorLedger(t *testing.T) {
	inBubble(t, nil, func(d *desk) {
		forged := numbered(t, 1)
		forged[len(forged)-1] ^= 1
		unknown, err := Sign(sample(Release), nil, testOther)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		for n := range 20_000 {
			b := forged
			if n%2 == 1 {
				b = unknown
			}
			if err := d.box.Submit(d.ctx, b); err != nil {
				t.Fatal(err)
			}
			if n == 10_000 {
				if err := d.box.Submit(d.ctx, numbered(t, 2)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if rate := 20_000 / time.Since(begin).Seconds(); rate > 10_000 {
			t.Errorf("%.0f verifications a second", rate)
		}
		if n := len(d.waiting()); n > 1 {
			t.Errorf("%d files", n)
		}
		time.Sleep(3 * time.Minute)
		orders, refusals, lines := d.recorded()
		if len(orders) != 1 {
			t.Errorf("%d good orders", len(orders))
		}
		if refusals[BadSignature] != 10_000 || refusals[UnknownKey] != 10_000 {
			t.Errorf("refusals %v", refusals)
		}
		if lines > 4 {
			t.Errorf("%d lines for two kinds of refusal", lines)
		}
	})
}

func TestSubmitIsDurableAndBounded(t *testing.T) {
	inBubble(t, nil, func(d *desk) {
		d.failing = true // nothing leaves
		var err error
		n := 0
		for ; err == nil && n < 1000; n++ {
			doc := sample(Release)
			doc.ID[0], doc.ID[1] = byte(n), byte(n>>8)
			err = d.box.Submit(d.ctx, signDocument(t, doc))
		}
		if !errors.Is(err, ErrFull) {
			t.Fatalf("after %d orders: %v", n, err)
		}
		if len(d.waiting()) != maxWaiting {
			t.Errorf("%d files wait, at most %d", len(d.waiting()), maxWaiting)
		}
	})
}

// TestHostileFolder: whatever lies in the folder, the inbox neither follows it,
// hangs on it, nor stops for it.
func TestHostileFolder(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, numbered(t, 7), 0o600); err != nil {
		t.Fatal(err)
	}
	name := func(dir string, c string) string {
		return filepath.Join(dir, strings.Repeat(c, nameDigits)+orderSuffix)
	}
	inBubble(t, func(dir string) {
		try := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		try(os.Symlink(secret, name(dir, "a")))
		try(os.Symlink("/dev/zero", name(dir, "b")))
		try(syscall.Mkfifo(name(dir, "c"), 0o600))
		try(os.MkdirAll(filepath.Join(name(dir, "d"), "x"), 0o700))
		try(os.WriteFile(name(dir, "e"), []byte("half an ord"), 0o600))
		try(os.WriteFile(name(dir, "f"), nil, 0o600))
		try(os.Truncate(name(dir, "f"), MaxSigned+1))
		try(os.WriteFile(filepath.Join(dir, tempPrefix+"x"), numbered(t, 8), 0o600))
		try(os.WriteFile(filepath.Join(dir, "$(reboot)\n.order"), numbered(t, 9), 0o600))
		try(os.WriteFile(filepath.Join(dir, "note.txt"), []byte("x"), 0o600))
	}, func(d *desk) {
		d.put(numbered(t, 1))
		time.Sleep(3 * time.Minute)
		orders, refusals, _ := d.recorded()
		if len(orders) != 1 || orders[0].ID[0] != 1 {
			t.Fatalf("%d orders", len(orders))
		}
		if refusals[NotAFile] < 4 || refusals[TooLarge] != 1 || refusals[NotCanonical] != 1 {
			t.Errorf("refusals %v", refusals)
		}
		if left := d.waiting(); len(left) != 2 { // the directory, and the name that is no name
			t.Errorf("left %v", left)
		}
		if b, err := os.ReadFile(secret); err != nil || !bytes.Equal(b, numbered(t, 7)) {
			t.Errorf("the file outside was touched: %v", err)
		}
	})
}

func TestPutIsWhole(t *testing.T) {
	dir := t.TempDir()
	if err := Put(dir, numbered(t, 1)); err != nil {
		t.Fatal(err)
	}
	if err := Put(dir, numbered(t, 1)); err != nil { // the same bytes wait once
		t.Fatal(err)
	}
	if err := Put(dir, make([]byte, MaxSigned+1)); code(t, err) != TooLarge {
		t.Errorf("too large: %v", err)
	}
	names, _ := os.ReadDir(dir)
	if len(names) != 1 || !isOrderName(names[0].Name()) {
		t.Errorf("%v", names)
	}
	if err := Put(filepath.Join(dir, "missing"), nil); err == nil {
		t.Error("a missing inbox is no error")
	}
}

func TestKeyFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "admin.key")
	k := NewKey()
	if err := WriteKey(path, k); err != nil {
		t.Fatal(err)
	}
	if err := WriteKey(path, NewKey()); !errors.Is(err, os.ErrExist) {
		t.Errorf("a key was replaced: %v", err)
	}
	got, err := ReadKey(path)
	if err != nil || got.Public() != k.Public() {
		t.Fatalf("read %v", err)
	}
	link := filepath.Join(dir, "link.key")
	os.Symlink(path, link)
	if _, err := ReadKey(link); err == nil {
		t.Error("a link was followed")
	}
	os.Chmod(path, 0o640)
	if _, err := ReadKey(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a readable key was taken: %v", err)
	}
	junk := filepath.Join(dir, "junk.key")
	os.WriteFile(junk, []byte("-----BEGIN SECRET-----"), 0o600)
	if _, err := ReadKey(junk); err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("junk: %v", err)
	}
	p, err := ParsePublicKey(k.Public().String())
	if err != nil || p != k.Public() {
		t.Errorf("public key: %v", err)
	}
	for _, s := range []string{"", "x", k.Public().String() + "=", strings.Repeat("A", 40)} {
		if _, err := ParsePublicKey(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

// TestP12KeysDoNotPrint under any verb, logger or encoder.
func TestP12KeysDoNotPrint(t *testing.T) {
	k := seedKey(0x41) // a seed of letters "A" would show in any format
	var buf bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&buf, nil))
	log.Info("key", "k", k, "v", *k)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		buf.WriteString(sprint(verb, k) + sprint(verb, *k) + sprint(verb, []*PrivateKey{k}))
	}
	out := strings.ToLower(buf.String())
	for _, leak := range []string{"aaaa", "4141", "65 65", "qufb", "0x41"} {
		if strings.Contains(out, leak) {
			t.Errorf("%q shows in %s", leak, out)
		}
	}
	if n := len(k.Public().ID().Fingerprint()); n != 16*4+15 {
		t.Errorf("a fingerprint of %d characters", n)
	}
	if !slices.Contains(Acts(), Release) || MaySign(Automation, Release) || !MaySign(Automation, Lockdown) {
		t.Error("the table of acts does not say what it must")
	}
}
