// Package rig builds the scene of a story: a site with its doors, their
// simulated devices, a broker with a head end behind it, and the real daemon
// with its real drivers.
//
// There are two rigs. The bench keeps everything in one process and one
// testing/synctest bubble: virtual time, in-memory wires, a small broker; it is
// exact, and every story is proved on it. The desk is what a person runs: real
// time, pseudo-terminals, the daemon and the broker in processes of their own,
// so that a kill is a real kill.
//
// Both are made of the same parts: the site (folders, keys, certificates), the
// doorway (portal, readers, sensors) and the acts. What differs is how a wire,
// a pin, a clock and a process are had.
package rig
