package uplink

import (
	"strconv"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// tag says what a publish was, so that its PUBACK can be told.
type tag struct {
	kind string // of the topic
	seq  uint64 // of an event
	id   string // of a request
	at   time.Time
}

// pubacks is the client's store, reduced to the one thing that only a store is
// shown: the client deletes an outgoing message exactly when its PUBACK has
// come. It keeps no packet, because no packet outlives its connection here.
type pubacks struct {
	told func(tag) // called without the lock, from the client's goroutine

	mu      sync.Mutex
	next    tag // of the publish that is being made
	waiting map[string]tag
}

var _ mqtt.Store = (*pubacks)(nil)

func newPubacks(told func(tag)) *pubacks {
	return &pubacks{told: told, waiting: map[string]tag{}}
}

// label names the next publish; only one goroutine publishes.
func (s *pubacks) label(t tag) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = t
}

// outstanding counts the unacknowledged publishes of events, and gives the time
// of the oldest unacknowledged publish of any kind.
func (s *pubacks) outstanding() (events int, oldest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.waiting {
		if t.kind == topicEvents {
			events++
		}
		if oldest.IsZero() || t.at.Before(oldest) {
			oldest = t.at
		}
	}
	return events, oldest
}

// Open does nothing.
func (s *pubacks) Open() {}

// Close does nothing.
func (s *pubacks) Close() {}

// Reset forgets all.
func (s *pubacks) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.waiting)
}

// Put is called by Publish before the packet is sent.
func (s *pubacks) Put(key string, p packets.ControlPacket) {
	if _, ok := p.(*packets.PublishPacket); !ok || !outgoing(key) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[key] = s.next
}

// Del is called when the PUBACK of an outgoing message has come. The client
// also calls it for the ids of other packets, which have no tag here.
func (s *pubacks) Del(key string) {
	s.mu.Lock()
	t, ok := s.waiting[key]
	delete(s.waiting, key)
	s.mu.Unlock()
	if ok {
		s.told(t)
	}
}

// Get has nothing to give.
func (s *pubacks) Get(string) packets.ControlPacket { return nil }

// All has nothing to resume.
func (s *pubacks) All() []string { return nil }

func outgoing(key string) bool {
	id, ok := strings.CutPrefix(key, "o.")
	_, err := strconv.ParseUint(id, 10, 16)
	return ok && err == nil
}
