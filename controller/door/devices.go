package door

import (
	"sekimori/controller/event"
	"sekimori/policy"
)

// status of a device. A device that said nothing yet is not usable (P11).
type status uint8

const (
	unheard status = iota
	online
	offline
	rejectedStatus
)

// device is a badge reader or a fingerprint sensor of one side. name is "" if
// none is fitted.
type device struct {
	name   string
	status status
	// refused: it was rejected and has not come back since; silence in between
	// does not heal it.
	refused bool
	reason  string
	tamper  truth
}

// unusable tells why a read or a result of the named device counts for
// nothing; "" if it counts.
func (v *device) unusable(name string) string {
	switch {
	case v.name == "":
		return "none is fitted on this side"
	case name != v.name:
		return "another device answered"
	case v.refused:
		return "the device is rejected: " + v.reason
	case v.status != online:
		return "the device is not in service"
	default:
		return ""
	}
}

func (v *device) lost() truth {
	switch v.status {
	case offline:
		return yes
	case online:
		return no
	default:
		return unknown
	}
}

func (v *device) rejected() truth {
	switch {
	case v.refused:
		return yes
	case v.status == online:
		return no
	default:
		return unknown
	}
}

func (s *side) device(k DeviceKind) *device {
	switch k {
	case BadgeReader:
		return &s.reader
	case FingerSensor:
		return &s.sensor
	default:
		return nil
	}
}

// deviceChanged takes a device becoming usable or not. The attempt that
// depends on it ends with it.
func (d *Door) deviceChanged(in Device) {
	s := d.side(in.Side)
	var v *device
	if s != nil {
		v = s.device(in.Kind)
	}
	if v == nil || v.name == "" || v.name != in.Name {
		d.stray("a device that this door does not know")
		return
	}
	v.reason = in.Reason
	switch {
	case in.Rejected:
		v.status, v.refused = rejectedStatus, true
	case in.Online:
		v.status, v.refused = online, false
		if v == &s.sensor {
			d.erasure.again = 0 // it may do now what it could not do before
		}
		return
	default:
		v.status = offline
	}
	if a := s.attempt; a != nil && (v == &s.reader || a.capture != 0) {
		d.end(s, obstacle{SignalUnavailable, policy.AuthUnavailable, "a device of this side was lost"})
	}
	if v == &s.sensor {
		d.sensorLost(s)
	}
}

// deviceTampered takes a device's own enclosure contact. While a reader is
// open, somebody may be at its key: it lets nobody in. It still lets out.
func (d *Door) deviceTampered(in DeviceTamper) {
	s := d.side(in.Side)
	if s == nil || in.Name == "" || in.Name != s.reader.name && in.Name != s.sensor.name {
		d.stray("a device that this door does not know")
		return
	}
	v := &s.reader
	if in.Name == s.sensor.name {
		v = &s.sensor
	}
	v.tamper = truthOf(in.Active)
	if in.Active && s.Side == policy.Entry && s.attempt != nil {
		d.end(s, obstacle{SignalUnavailable, policy.AuthUnavailable, "the enclosure was opened"})
	}
}

// deviceFault notes an observation that leaves the device usable. It names its
// side, which tells it from the fault of a line.
func (d *Door) deviceFault(in DeviceFault) {
	s := d.side(in.Side)
	if s == nil {
		// A contact's driver has no side: then it is of the box.
		ev := d.event(event.InputFault)
		ev.Detail = in.Name + ": " + in.Detail
		d.note(ev)
		return
	}
	ev := d.event(event.InputFault)
	ev.Side, ev.Device, ev.Detail = event.SideOf(in.Side), in.Name, in.Detail
	d.note(ev)
}

// clockChanged notes a step of the wall clock. Trust is a level of its own
// (alarm.go).
func (d *Door) clockChanged(in ClockChanged) {
	d.review = true
	if in.Step == 0 {
		return
	}
	ev := d.event(event.TimeStep)
	ev.Detail = sentence("by "+in.Step.String(), in.Reason)
	d.emit(ev)
}

func (d *Door) linkChanged(in Link) {
	d.link, d.linkWhy = truthOf(!in.Up), in.Reason
}
