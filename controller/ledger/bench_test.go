package ledger

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"sekimori/controller/event"
)

// BenchmarkAppend is one event, durable on the disk of b.TempDir: the time
// that the disk takes is in it.
func BenchmarkAppend(b *testing.B) {
	ctx := context.Background()
	for _, c := range []struct {
		name  string
		state int
	}{{"event", 0}, {"event+state4k", 4 << 10}} {
		b.Run(c.name, func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "ledger")
			if err := Init(dir, testDoor, DeviceKey{}); err != nil {
				b.Fatal(err)
			}
			l, err := Open(ctx, dir, Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			var took []time.Duration
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r := []Record{{Event: sample(event.AccessGranted, i)}}
				if c.state > 0 {
					r[0].State = map[string][]byte{"door": make([]byte, c.state)}
				}
				start := time.Now()
				if _, err := l.Append(ctx, r); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
		})
	}
}

// BenchmarkSevenYears fills a ledger once and then verifies and starts it. The
// number of events is 200,000, or that of SEKIMORI_LEDGER_EVENTS; seven years
// of a busy door are 2500000.
func BenchmarkSevenYears(b *testing.B) {
	ctx := context.Background()
	n := 200_000
	if s := os.Getenv("SEKIMORI_LEDGER_EVENTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	dir := filepath.Join(b.TempDir(), "ledger")
	fill := time.Now()
	elsewhere := fillLedger(b, dir, n)
	b.Logf("%d events written in %v", n, time.Since(fill).Round(time.Second))

	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			rep, err := Verify(ctx, dir, Evidence{Checkpoints: [][]byte{elsewhere}})
			if err != nil || !rep.OK() || rep.Covered != uint64(n) {
				b.Fatal(rep.String(), err)
			}
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		b.ReportMetric(float64(n), "events")
	})
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			l, err := Open(ctx, dir, Options{Door: testDoor})
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err := l.State(ctx, "door"); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			l.Close()
			b.StartTimer()
		}
		b.ReportMetric(float64(n), "events")
	})
}

func fillLedger(b *testing.B, dir string, n int) []byte {
	b.Helper()
	ctx := context.Background()
	if err := Init(dir, testDoor, DeviceKey{}); err != nil {
		b.Fatal(err)
	}
	l, err := Open(ctx, dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for done := 0; done < n; {
		rs := make([]Record, min(5000, n-done))
		for i := range rs {
			ev := sample(event.AccessTaken, (done+i)*88)
			ev.Side, ev.Badge, ev.Permit, ev.Wire, ev.Proof = "entry", "b-10023", "pm-2026-0001", "secured", "clonable"
			if i%2 == 0 {
				ev.Side = "exit"
			}
			rs[i] = Record{Event: ev}
		}
		rs[0].State = map[string][]byte{"door": make([]byte, 4<<10)}
		if _, err := l.Append(ctx, rs); err != nil {
			b.Fatal(err)
		}
		done += len(rs)
	}
	note, _, err := l.Checkpoint(ctx, morning)
	if err != nil {
		b.Fatal(err)
	}
	return note
}
