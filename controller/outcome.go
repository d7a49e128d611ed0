package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sekimori/controller/event"
)

// outcome is what the ledger has said of one order so far.
type outcome struct {
	door, order string
	end         event.Kind // of the order: it is done
	ended       bool
	// pending are the erasures that the order left to do: the sensor, by the
	// number of the event that put it down.
	pending map[uint64]string
}

// concerns tells whether an event belongs to the order. An erasure is done by
// the door in its own time, and answers the event that put it down.
func (o *outcome) concerns(ev event.Event) bool {
	return ev.Order == o.order || ev.Kind == event.BiometricErased && o.pending[ev.Of] != ""
}

// take follows an event; an error means that the door refused.
func (o *outcome) take(ev event.Event) error {
	switch ev.Kind {
	case event.OrderRefused, event.EnrolmentFailed:
		return coded{exitRefused, fmt.Errorf("%s: %s", ev.Kind, ev.Detail)}
	case event.BiometricPending:
		if o.pending == nil {
			o.pending = map[uint64]string{}
		}
		o.pending[ev.Seq] = ev.Device
	case event.BiometricErased:
		delete(o.pending, ev.Of)
	}
	o.ended = o.ended || ev.Kind == o.end
	return nil
}

// done: a template that is still on a sensor is not erased.
func (o *outcome) done() bool { return o.ended && len(o.pending) == 0 }

// unknown is the error of one who cannot wait any longer.
func (o *outcome) unknown() error {
	if o.ended {
		sensors := slices.Compact(slices.Sorted(maps.Values(o.pending)))
		return fmt.Errorf("the order is in force, but not yet erased from %s: door %s does it as soon as the sensor is in service", strings.Join(sensors, ", "), o.door)
	}
	return fmt.Errorf("no outcome yet: the order stays in the inbox of door %s; is the daemon running?", o.door)
}
