package loop

import (
	"time"

	"sekimori/controller/door"
	"sekimori/drivers"
)

const (
	tenth = 100 * time.Millisecond
	brief = 2 * time.Second // how long an answer stays before the reader is idle again
)

func steady(c drivers.Colour) drivers.Pattern {
	return drivers.Pattern{OnColour: c, On: tenth}
}

func blink(c drivers.Colour, on, off time.Duration) drivers.Pattern {
	return drivers.Pattern{OnColour: c, OffColour: drivers.Off, On: on, Off: off}
}

func beep(on, off time.Duration, count int) drivers.Tone {
	return drivers.Tone{On: on, Off: off, Count: count}
}

// signals is the whole language between the door and a person. No two rows
// share rhythm and tone, so that none is told apart by colour alone; texts are
// ASCII because OSDP text cannot carry Japanese.
var signals = map[door.Signal]drivers.Signal{
	door.SignalIdle:          {LED: steady(drivers.Red), Text: "SEKIMORI"},
	door.SignalWait:          {LED: blink(drivers.Amber, 5*tenth, 5*tenth), Text: "WAIT"},
	door.SignalFinger:        {LED: blink(drivers.Blue, 3*tenth, 3*tenth), Tone: beep(tenth, tenth, 1), Text: "FINGER"},
	door.SignalAgain:         {LED: blink(drivers.Amber, 2*tenth, 2*tenth), Tone: beep(tenth, tenth, 2), Text: "TRY AGAIN"},
	door.SignalGranted:       {LED: steady(drivers.Green), Tone: beep(5*tenth, 0, 1), Text: "OPEN"},
	door.SignalRefused:       {LED: blink(drivers.Red, tenth, tenth), Tone: beep(3*tenth, 2*tenth, 3), Text: "NO ENTRY", Until: brief},
	door.SignalRefusedPermit: {LED: blink(drivers.Red, 3*tenth, tenth), Tone: beep(3*tenth, 2*tenth, 4), Text: "NO PERMIT", Until: brief},
	door.SignalRefusedTime:   {LED: blink(drivers.Red, tenth, 3*tenth), Tone: beep(3*tenth, 2*tenth, 5), Text: "NOT NOW", Until: brief},
	door.SignalUnavailable:   {LED: blink(drivers.Red, 10*tenth, 10*tenth), Tone: beep(10*tenth, 0, 1), Text: "OUT OF SERVICE"},
	door.SignalBusy:          {LED: blink(drivers.Amber, tenth, 4*tenth), Tone: beep(tenth, 2*tenth, 1), Text: "PLEASE WAIT", Until: brief},
	door.SignalDoorOpen:      {LED: blink(drivers.Amber, 4*tenth, tenth), Tone: beep(tenth, 2*tenth, 3), Text: "CLOSE DOOR", Until: brief},
	door.SignalHeld:          {LED: blink(drivers.Amber, tenth, tenth), Tone: beep(2*tenth, 3*tenth, 10), Text: "CLOSE DOOR"},
	door.SignalAlarm:         {LED: blink(drivers.Red, 2*tenth, 2*tenth), Tone: beep(2*tenth, 2*tenth, 30), Text: "ALARM"},
	door.SignalPlaceFinger:   {LED: blink(drivers.Blue, 6*tenth, 2*tenth), Tone: beep(2*tenth, tenth, 1), Text: "FINGER ON"},
	door.SignalLiftFinger:    {LED: blink(drivers.Blue, 2*tenth, 6*tenth), Tone: beep(2*tenth, tenth, 2), Text: "FINGER OFF"},
	door.SignalEnrolled:      {LED: blink(drivers.Green, 5*tenth, 5*tenth), Tone: beep(2*tenth, tenth, 3), Text: "STORED", Until: brief},
}

// named gives the row's word to the device, which logs and compares by it.
func named(n door.Signal) (drivers.Signal, bool) {
	s, ok := signals[n]
	s.Name = string(n)
	return s, ok
}

// Signals lists the table for rigs and documentation.
func Signals() map[door.Signal]drivers.Signal {
	out := make(map[door.Signal]drivers.Signal, len(signals))
	for k := range signals {
		out[k], _ = named(k)
	}
	return out
}
