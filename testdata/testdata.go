// Package testdata carries the reference data of one city, Hino, and the
// stories that are played at its doors, so that the rigs and the tests need no
// path: rulebook, roster and door files under hino/, stories under stories/,
// test vectors of the wires and of the orders beside them.
//
// Nothing in the daemon imports it.
package testdata

import "embed"

// Files holds everything below this folder.
//
//go:embed hino stories
var Files embed.FS
