package rig

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"sekimori/controller/ledger"
)

// tailEvery is how often the ledger is asked for news.
const tailEvery = 5 * time.Millisecond

// tail follows a ledger from beside the daemon that writes it, as "sekimori
// ledger show" would, and tells of each event once.
type tail struct {
	dir string
	// seen is told each event in order, from one goroutine at a time.
	seen func(kind string, body []byte)

	mu   sync.Mutex // guards what follows
	book *ledger.Reader
	next uint64
}

// run follows until ctx ends, then reads what is left and lets go of the files.
// A ledger that cannot be read (it is being replaced, or broken on purpose) is
// tried again.
func (t *tail) run(ctx context.Context) {
	tick := time.NewTicker(tailEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		t.look(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	t.look(context.WithoutCancel(ctx))
	t.apart(func() {})
}

// apart does something to the ledger's files while they are not open here: a
// process that closes a file drops every lock that it has on it (fcntl(2)),
// SQLite's too.
func (t *tail) apart(do func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.book != nil {
		_ = t.book.Close()
		t.book = nil
	}
	do()
}

func (t *tail) look(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.book != nil || t.open(ctx) {
		t.read(ctx)
	}
}

// glance tells what there is now, if the ledger is being followed: what a
// subscriber has received stands in it already.
func (t *tail) glance(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.book != nil {
		t.read(ctx)
	}
}

func (t *tail) read(ctx context.Context) {
	for stored, err := range t.book.All(ctx, t.next) {
		if err != nil {
			return
		}
		t.next = stored.Seq + 1
		var head struct {
			Kind string `json:"kind"`
		}
		if json.Unmarshal(stored.Body, &head) == nil {
			t.seen(head.Kind, stored.Body)
		}
	}
}

// open begins where the last reading ended, or at the end of a ledger that is
// shorter now: an older copy was put back.
func (t *tail) open(ctx context.Context) bool {
	book, err := ledger.OpenReader(ctx, t.dir)
	if err != nil {
		return false
	}
	last, err := book.Newest(ctx)
	if err != nil {
		_ = book.Close()
		return false
	}
	t.book, t.next = book, min(max(t.next, 1), last+1)
	return true
}
