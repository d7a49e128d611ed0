// Package zfm drives optical and capacitive fingerprint modules of the ZFM-20,
// R30x and R503 family over a serial line: 1:1 verification, enrolment,
// copying a template from one sensor to another, erasing, LED ring.
//
// # Sources
//
// "ZFM-20 Fingerprint Identification Module User Manual" and "R503 fingerprint
// module user manual" (ZhianTec/GROW); for what these leave open, the Adafruit
// fingerprint library and pyfingerprint. The manuals disagree about
// confirmation codes above 18: this driver acts on few of them and takes every
// other as a failure.
//
// # Wiring
//
// 8N1, 57600 baud by default, 3.3 V logic. An R503 has a touch output that is
// high at rest and low while a finger rests (pin 5), with a supply of its own
// (pin 6): where it is wired to a contact input, [Options.Touch] makes the
// driver refuse a match that no finger caused. Mount the module's electronics
// and its cable on the secured side: the protocol has no cryptography, and who
// reaches the wire can answer in the module's place.
//
// # What it protects against
//
//   - A swapped module: password, product information, serial number, firmware
//     and library index are compared after every start and, as far as the
//     module tells them, every ten seconds; a difference disables the sensor.
//   - A template that was added or removed behind our back: the library index
//     is compared with the expected set every five minutes ([Sensor.SetExpected]).
//   - A match for somebody else: the library is searched only to refuse
//     duplicates at enrolment. Verify loads the asked pages one by one and
//     compares, so no other page can be named.
//   - A late answer taken for the next command's: packets carry no sequence
//     number, so the line is fenced after every command without a good answer.
//   - A module that lost its power: its ready byte 55 and a password asked for
//     again both lead to the whole start sequence.
//
// Not supported: 1:N identification, the automatic commands of the R503,
// image transfer, changing password, address or baud rate.
//
// # Structure
//
// [Parse] and [Append] are the frame. The machine (machine.go, exchange.go and
// a file for each task) is pure: bytes, ticks and calls with their time in,
// bytes and events out. runner.go is the shell: the wire, the clock, two
// goroutines.
package zfm
