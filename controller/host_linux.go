package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"

	"sekimori/controller/config"
	"sekimori/controller/daemon"
	"sekimori/drivers"
	"sekimori/drivers/gpioline"
	"sekimori/drivers/serialport"
)

// linuxHost is the box that this process runs on.
func linuxHost(cfg *config.Door) daemon.Host {
	k := kernelClock{rtc: cfg.Clock.RTC, believe: cfg.Clock.Sync == "ntp", start: time.Now()}
	return daemon.Host{
		Serial: openSerial,
		Pin:    openPin,
		Wall:   k.wall,
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", address)
		},
	}
}

func openSerial(p config.Port) (drivers.Wire, error) {
	m := serialport.Mode{Baud: p.Baud}
	if p.RS485 == "kernel" {
		m.Direction = serialport.DirectionKernel
	}
	return serialport.Open(p.Path, m)
}

func openPin(u daemon.PinUse) (gpio.PinIO, error) {
	line := fmt.Sprint(u.Pin.Line)
	if u.Output {
		safe := gpio.Low
		if u.ActiveLow {
			safe = gpio.High
		}
		return gpioline.OpenOutput(u.Pin.Chip, line, safe, "sekimori "+u.Name)
	}
	pull := map[string]gpio.Pull{"up": gpio.PullUp, "down": gpio.PullDown}[u.Pull]
	return gpioline.OpenInput(u.Pin.Chip, line, pull)
}

// holdover is how long a clock stays believable without synchronisation: a
// crystal drifts a few seconds in a day.
const holdover = 24 * time.Hour

// kernelClock reads the wall clock and what the kernel says of it. Setting the
// clock by hand makes the kernel call it unsynchronised (adjtimex(2)), which
// is how a stepped clock loses its trust until a time service vouches again.
//
// Without a time service there is nobody to ask. Then a battery-backed clock
// is vouched for as long as the process runs: it drifts some seconds a week.
// The daemon itself sees every step; after a large one it believes the clock
// again once it was put back, or after a restart.
type kernelClock struct {
	rtc     bool // battery-backed: believable from the start
	believe bool // a time service keeps the kernel's state
	start   time.Time
	synced  time.Time // last seen synchronised; zero: never
}

func (k *kernelClock) wall() (time.Time, bool) {
	var tx unix.Timex
	state, err := unix.Adjtimex(&tx)
	now := time.Now()
	return now, k.vouches(now, err == nil && state != unix.TIME_ERROR && tx.Status&unix.STA_UNSYNC == 0)
}

// vouches judges a reading; kernel is the kernel's own word. The comparisons
// are monotonic: not fooled by a step.
func (k *kernelClock) vouches(now time.Time, kernel bool) bool {
	switch {
	case !k.believe:
		return k.rtc
	case kernel:
		k.synced = now
		return true
	case !k.synced.IsZero():
		return now.Sub(k.synced) < holdover
	default:
		return k.rtc && now.Sub(k.start) < holdover
	}
}
