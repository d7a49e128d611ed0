// Package config reads the daemon's three files: the door (what is wired to
// this box), the rulebook (the city's regulation as data) and the roster
// (people, badges, permits). It is the only decoder and holds the only
// defaults.
//
// A file is read whole and checked whole. Unknown keys, duplicate keys, wrong
// types and values out of range are each reported as file:line:column with the
// key's path; one wrong key refuses the whole file, and whatever was in force
// stays in force.
package config
