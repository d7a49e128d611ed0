// Package gpioline drives a lock's relay and watches contacts on GPIO lines.
//
// [Relay] is a drivers.Lock over an output; the driver itself ends every
// release. [Contact] is a drivers.Device over an input; it debounces and never
// reports a level that it did not see. Both take periph's interfaces, so that
// tests and the desk rig give pins of their own.
//
// [OpenOutput] is our own output on the Linux GPIO character device, version 2
// (uapi linux/gpio.h), because periph's gpioioctl v3.8.5 cannot hold a lock:
//
//   - its first Out(High) drives the line low first: an active-low relay would
//     be pulsed at each start;
//   - its Read of an output turns the line into an input with pull-up: reading
//     the relay back would release it.
//
// [OpenInput] gives contacts through gpioioctl, chosen by the chip's label:
// numbers and order of chips change between kernels. What is known of it is
// handled in [Contact]:
//
//   - a failed Read is reported as Low, which may mean "closed". In fails
//     aloud, so the input is configured anew each second, and after each look
//     that would change what is believed;
//   - WaitForEdge takes 0 as "for ever", returns at once for a negative time
//     and also on every error, and gives no time of the edge: it is only asked
//     for short positive times, its answer is only a hint to look, and looks
//     happen ten times a second without it;
//   - a stall of this process hides pulses. Where one may have been hidden, the
//     contact says unknown before it says the level again.
//
// # Levels
//
// A contact reports the wire loop: drivers.Closed while it is closed,
// drivers.Open while it is open. What that means (leaf shut, button pressed) is
// the door's to know. A cut wire always reads open, so a contact that guards
// something is wired normally-closed; a single line never tells a short from a
// closed loop ([Contact.Unsupervised]).
package gpioline
