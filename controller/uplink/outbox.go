package uplink

import "time"

// outbox decides which events go out next. It is pure: it has no ledger, no
// client and no clock.
type outbox struct {
	exact    bool // the PUBACK counts, not the collector's word
	window   uint64
	stall    time.Duration // the first wait for progress
	stallMax time.Duration

	acked uint64 // everything up to here is safe; never goes back
	next  uint64 // the next to publish
	high  uint64 // the highest that this run published
	// earlier is the end of the ledger when this run began: an earlier run may
	// have published up to here.
	earlier uint64

	pubacked map[uint64]struct{} // exact: above acked, out of order
	waiting  time.Time           // since when progress is waited for; zero: nothing is out
	wait     time.Duration
	replayed time.Time
	// replayEnd is the last number of the replay under way; 0: none.
	replayEnd uint64
}

// replayEvery bounds how often a replay is granted: each holds up newer events.
const replayEvery = 10 * time.Second

func newOutbox(exact bool, window uint64, stall, stallMax time.Duration, acked, last uint64) *outbox {
	return &outbox{
		exact: exact, window: window, stall: stall, stallMax: stallMax,
		acked: acked, next: acked + 1, high: acked, earlier: last,
		pubacked: map[uint64]struct{}{}, wait: stall,
	}
}

// rewind starts sending again behind what is safe.
func (o *outbox) rewind() {
	o.next, o.replayEnd = o.acked+1, 0
	o.waiting = time.Time{}
}

// connected begins a connection.
func (o *outbox) connected() {
	o.rewind()
	o.wait = o.stall
}

// room tells what may be published: n events from number from on, given the end
// of the ledger and how many publishes the broker has not acknowledged.
func (o *outbox) room(last uint64, unacknowledged int) (from uint64, n int) {
	free := int64(o.window) - int64(unacknowledged)
	if ahead := int64(o.next) - int64(o.acked) - 1; ahead > 0 {
		free = min(free, int64(o.window)-ahead)
	}
	left := int64(last) - int64(o.next) + 1
	return o.next, int(max(0, min(free, left)))
}

// sent notes that an event was handed to the client.
func (o *outbox) sent(seq uint64, now time.Time) {
	o.next = seq + 1
	o.high = max(o.high, seq)
	if o.waiting.IsZero() && seq > o.acked {
		o.waiting = now
	}
}

// delivered notes a PUBACK. Only in exact mode does it move anything.
func (o *outbox) delivered(seq uint64, now time.Time) {
	if !o.exact || seq <= o.acked || seq > o.high {
		return
	}
	o.pubacked[seq] = struct{}{}
	to := o.acked
	for {
		if _, ok := o.pubacked[to+1]; !ok {
			break
		}
		to++
		delete(o.pubacked, to)
	}
	o.safe(to, now)
}

// An answer tells what became of a collector's acknowledgement.
type answer uint8

const (
	ackTaken   answer = iota
	ackOld            // nothing new in it
	ackEarlier        // above what this run published, but an earlier one may have
	ackRefused        // nobody can have it: it was never published
)

// ack takes the collector's highest contiguous number.
func (o *outbox) ack(seq uint64, now time.Time) answer {
	switch {
	case seq > o.high && seq > o.earlier:
		return ackRefused
	case seq > o.high && !o.exact:
		// The collector is ahead of us since the last run. It counts for what
		// this run sent and no further: that much anybody could have said, and
		// sending the rest once more is the safe side.
		o.safe(o.high, now)
		return ackEarlier
	case o.exact, seq <= o.acked:
		return ackOld
	}
	o.safe(seq, now)
	return ackTaken
}

func (o *outbox) safe(seq uint64, now time.Time) {
	if seq <= o.acked {
		return
	}
	o.acked = seq
	o.wait = o.stall
	// What is safe needs no sending, unless it was asked for again.
	if o.next > o.replayEnd {
		o.next = max(o.next, o.acked+1)
	}
	o.waiting = time.Time{}
	if o.next > o.acked+1 {
		o.waiting = now
	}
}

// replay goes back to an earlier event; false if it was never published or the
// last replay is too fresh.
func (o *outbox) replay(from uint64, now time.Time) bool {
	if from == 0 || from > max(o.high, o.earlier) {
		return false
	}
	if !o.replayed.IsZero() && now.Sub(o.replayed) < replayEvery {
		return false
	}
	o.replayed = now
	o.replayEnd = max(o.replayEnd, o.next-1)
	o.next = min(o.next, from)
	return true
}

// tick rewinds when nothing moved for too long, each time later.
func (o *outbox) tick(now time.Time) (rewound bool) {
	if o.waiting.IsZero() || now.Sub(o.waiting) < o.wait {
		return false
	}
	if o.next > o.acked+1 {
		o.next = o.acked + 1
	}
	o.waiting = now
	o.wait = min(2*o.wait, o.stallMax)
	return true
}
