package uplink

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// maxRequests bounds the requests under way; a doorway has a handful.
const maxRequests = 64

// asked is a request that waits to be published.
type asked struct {
	id      string
	body    []byte
	expires time.Time
	tell    bool // its outcome is told
}

// Request publishes a request for a permission. It never waits. On success the
// outcome comes through Options.Requested: nil once the broker has it, else an
// error when the link was lost or the time is over. It is never kept for a
// later connection: the person stands at the door now.
func (u *Uplink) Request(r Request, expires time.Duration) error {
	r.Door = u.o.Door
	return u.ask(r, expires, true)
}

// Withdraw says that a request is over. Its outcome is not told: whoever missed
// it sees the request expire.
func (u *Uplink) Withdraw(id, place, reason string) error {
	r := Request{ID: id, Door: u.o.Door, Place: place, Withdrawn: true, Reason: reason}
	return u.ask(r, u.o.PubackWait, false)
}

func (u *Uplink) ask(r Request, expires time.Duration, tell bool) error {
	if r.ID == "" {
		return errors.New("cannot publish request: it has no id")
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("cannot publish request %s: %w", r.ID, err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case !u.up:
		return fmt.Errorf("cannot publish request %s: %w", r.ID, ErrLinkDown)
	case len(u.asked)+len(u.pending) >= maxRequests:
		return fmt.Errorf("cannot publish request %s: %d others are under way", r.ID, maxRequests)
	}
	u.asked = append(u.asked, asked{r.ID, body, time.Now().Add(expires), tell})
	u.poke()
	return nil
}

func (s *session) publishRequests() error {
	s.u.mu.Lock()
	todo := s.u.asked
	s.u.asked = nil
	for _, a := range todo {
		if a.tell {
			s.u.pending[a.id] = a.expires
		}
	}
	s.u.mu.Unlock()
	for _, a := range todo {
		t := tag{kind: topicRequests}
		if a.tell {
			t.id = a.id
		}
		if err := s.publish(t, false, a.body); err != nil {
			return err
		}
	}
	return nil
}

// expire ends requests whose time is over; u.mu is held.
func (u *Uplink) expire(now time.Time) {
	for id, at := range u.pending {
		if !now.Before(at) {
			delete(u.pending, id)
			u.notes.requested(id, errors.New("the broker did not take the request in time"))
		}
	}
}

// failRequests ends all requests with the link.
func (u *Uplink) failRequests() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, a := range u.asked {
		if a.tell {
			u.notes.requested(a.id, ErrLinkDown)
		}
	}
	for id := range u.pending {
		u.notes.requested(id, ErrLinkDown)
	}
	u.asked = nil
	clear(u.pending)
}
