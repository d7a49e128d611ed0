package main

import (
	"testing"
	"time"
)

// TestKernelClock: who vouches for the time, and for how long after.
func TestKernelClock(t *testing.T) {
	const day = 24 * time.Hour
	start := time.Now()
	type reading struct {
		at     time.Duration
		kernel bool
		want   bool
	}
	for name, tc := range map[string]struct {
		rtc, believe bool
		readings     []reading
	}{
		"time service and battery": {true, true, []reading{{0, false, true}, {day, false, false}, {day, true, true}, {2*day - 1, false, true}, {2 * day, false, false}}},
		"time service":             {false, true, []reading{{0, false, false}, {time.Hour, true, true}, {25 * time.Hour, false, false}, {26 * time.Hour, true, true}}},
		"battery":                  {true, false, []reading{{0, false, true}, {400 * day, false, true}, {401 * day, true, true}}},
		"neither":                  {false, false, []reading{{0, false, false}, {time.Hour, true, false}}},
	} {
		k := kernelClock{rtc: tc.rtc, believe: tc.believe, start: start}
		for _, r := range tc.readings {
			if got := k.vouches(start.Add(r.at), r.kernel); got != r.want {
				t.Errorf("%s after %v, the kernel says %v: vouched for %v", name, r.at, r.kernel, got)
			}
		}
	}
}
