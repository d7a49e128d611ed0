// Package card turns the bits that a badge reader sends into the canonical
// number of a credential, and back (for the simulator).
//
// Bits alone do not tell their layout: a 26-bit frame with good parity is no
// proof of H10301, and H10302 and H10304 share length and parity. The format is
// therefore configured per reader, and bits that do not fit it exactly — length,
// padding, every parity bit — give no number at all. Nothing is guessed.
//
// The canonical number is the whole data field between the parity bits, the
// facility, company or manufacturer code included, as an unsigned decimal
// without leading zeros. A facility code alone never identifies: there is no
// format and no option that would look at less than the whole field. The
// number as it is printed on a card (facility 123, card 4567) becomes canonical
// through [Format.Compose].
//
// Layouts: SIA AC-01-1996.10 (26-bit), HID formats H10302, H10304, H10306,
// C15001 and Corporate 1000 (35 and 48 bit) as the proxmark3 and manufacturers'
// manuals give them, and Verkada's 40-bit format. Not supported: formats without
// parity (a UID or a raw number cannot be told from noise) and P10001, whose
// check is no parity.
//
// Everything here is pure. Bits are clonable evidence whatever the format: see
// drivers.Proof.
package card
