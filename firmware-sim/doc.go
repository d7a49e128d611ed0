// Firmware-sim is the devices' side of every wire, as a program: a whole door
// on the desk.
//
//	firmware-sim [-once] [-toyoda] [-keep]
//	firmware-sim play [-v] [-j N] [-keep] FILE...
//
// Without a command it builds the machine room's door (the desk rig of package
// rig), plays the guided tour, and then takes the acts of stories as a person
// types them. The tour is the folder testdata/stories/tour; each station is a
// story, and a station that does not hold ends the tour with a failure. With a
// terminal it waits between acts, so that a person can follow.
//
// play plays stories in real time, several at once, and prints them in the
// order in which they were named. A story may come from any path. What did not
// hold is named by file and line, with everything that was seen and the
// daemon's last log lines.
//
// The daemon and the broker are this program again, in processes of their own;
// rig.Child tells those from a person's call.
//
// It needs Linux with pseudo-terminals, and no rights. Exit codes: 0, everything
// held; 1, something did not, or was interrupted; 2, the command line or a story
// file makes no sense. (go run makes 1 of every code but 0.)
package main
