// Package drivertest holds what every driver's test needs: an in-memory wire
// with named faults ([Pipe]), a lead that can be pulled and put back, which
// serialport.New makes a drivers.Port of ([Cable]), and the conformance tests of the driver contract ([TestWire],
// [TestLock]), which run on the in-memory implementations and on the real ones
// alike.
//
// Everything here is made of channels and timers only, so that it works inside
// a testing/synctest bubble: a reader that waits for a byte is durably blocked
// and virtual time runs on. A wire must be made in the bubble that uses it.
package drivertest
