package uplink

import (
	"slices"
	"testing"
	"time"
)

// TestLinkLostFromTheStart: a broker that is not there when the door starts is
// a lost link, told once; that it comes is told, too.
func TestLinkLostFromTheStart(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.listener.Refuse(true)
		r.startDoor(nil)
		time.Sleep(5 * time.Minute)
		told := func(want ...bool) {
			t.Helper()
			r.mu.Lock()
			defer r.mu.Unlock()
			if !slices.Equal(r.links, want) {
				t.Errorf("link notices %v, want %v", r.links, want)
			}
		}
		told(false)
		r.listener.Refuse(false)
		r.await("link", time.Minute, r.uplink.Up)
		time.Sleep(time.Second)
		told(false, true)
	})
}
