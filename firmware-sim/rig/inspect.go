package rig

import (
	"sekimori/controller/config"
	"sekimori/drivers/drivertest"
	"sekimori/firmware-sim/broker"
	"sekimori/firmware-sim/portal"
	zfmsim "sekimori/firmware-sim/zfm"
)

// What follows is for tests that look behind the door, or reach further than a
// person's hands. A story never needs it.

// Portal is the doorway of a door, as hardware.
func (b *Bench) Portal(door string) *portal.Portal { return b.doors[door].portal }

// Config is what the door's daemon runs with.
func (b *Bench) Config(door string) *config.Door { return b.doors[door].cfg }

// Cable is the wire of one of the door's ports.
func (b *Bench) Cable(door, port string) *drivertest.Cable { return b.doors[door].cables[port] }

// Module is the fingerprint module of a side.
func (b *Bench) Module(door, side string) *zfmsim.Module { return b.doors[door].sensors[side].Module }

// Head is the head end behind the broker.
func (b *Bench) Head() *broker.Collector { return b.head }

// OnPublish sees every message that reaches the broker, whoever sent it. Call
// it before Setup; f must return at once.
func (b *Bench) OnPublish(f func(identity, topic string, payload []byte)) { b.tap = f }

// Alive tells whether the door's daemon runs; if it ended by itself, why.
func (b *Bench) Alive(door string) (bool, error) {
	d := b.doors[door]
	if d.life == nil {
		return false, nil
	}
	select {
	case err := <-d.life.ended:
		d.life.ended <- err
		return false, err
	default:
		return true, nil
	}
}

// Bury forgets a daemon that ended by itself, so that it can be started again.
func (b *Bench) Bury(door string) {
	if alive, _ := b.Alive(door); !alive {
		b.doors[door].life = nil
	}
}
