// Package zfm simulates a fingerprint module of the ZFM-20 or R503 family: the
// module's side of the serial protocol, its library and buffers, and the
// finger on it. Only the packet framing is shared with the driver (vectors from
// outside pin it); instructions, codes and behaviour are written from the
// manuals on their own, so that a misreading on one side shows.
//
// Fingers are simulated: a person's name gives an identity of 512 bits, each
// image of it flips some of them, and two images are alike as far as their bits
// agree. Scores vary from image to image and are the same for the same
// [Options.Seed]. A template is an opaque blob of the real size (512 or 1536
// bytes) that another simulated module understands, and whose checksum shows
// whether it was copied whole.
//
// The faults are methods named after what they do to the line or the module:
// [Module.Silent], [Module.Delay], [Module.Corrupt], [Module.Split],
// [Module.WrongAddress], [Module.Noise], [Module.PowerCycle], [Module.Unplug],
// [Module.SwapSerial], [Module.Lie], [Module.Forget].
//
// Sources: "R503 fingerprint module user manual", "ZFM-20 Fingerprint
// Identification Module User Manual".
package zfm
