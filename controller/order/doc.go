// Package order holds signed orders: whatever a person decides away from a
// reader. An order is a small canonical document that names the act, the
// place, the door, the capacity in which it is signed, its window and a unique
// id; it is signed by a key that the door pinned, and the door itself verifies
// it (P8). Nothing that carried it, neither folder nor broker, is believed.
//
// # The form
//
// A document is one CBOR map (RFC 8949) with unsigned integer keys, in the core
// deterministic encoding of RFC 8949 §4.2.1: shortest integers, definite
// lengths, keys in bytewise order, no tags, no floats. A field without a value
// is absent. The door decodes strictly, encodes what it understood again and
// refuses any difference, so that one order has exactly one form.
//
//	 1  version     1
//	 2  act         text: enroll erase import reset resecure lockdown release
//	 3  id          16 random bytes; an id is used once
//	 4  place       text
//	 5  doors       array of text, ascending, no repeats
//	 6  capacity    text: administrator or automation
//	 7  keys        array of 32-byte key ids, ascending: who must sign
//	 8  not before  seconds since 1970-01-01 UTC, inclusive
//	 9  not after   seconds since 1970-01-01 UTC, exclusive
//	10  person      text
//	11  reason      text, at most 512 bytes, printable
//	12  payload     map {1: SHA-256, 2: length in bytes}
//	13  page        0..65535, a page of the fingerprint sensors
//	14  scope       array of text, ascending: lockout, passback
//
// What travels is the envelope, in the same encoding:
//
//	1  version     1
//	2  document    byte string: exactly the bytes that were signed
//	3  signatures  array of 64-byte strings, one for each key of field 7, in
//	               its order
//	4  payload     byte string, present exactly when the document names one
//
// A signature is Ed25519 (RFC 8032 §5.1) over the ASCII text "sekimori order
// v1", one zero byte, and the document's bytes. The prefix keeps a signature
// made for an order from being one for anything else, and the reverse. A key's
// id is the SHA-256 of its 32 public bytes.
//
// The payload is bound by its hash and stays outside the document, so that a
// signer's device need not hash a whole roster and an order can be kept as long
// as the events that it caused without keeping everybody's names.
//
// testdata/orders holds vectors for another implementation.
//
// # The inbox
//
// Orders wait in a folder: the command line puts them there, and so does the
// uplink for those that came over MQTT, before the broker is told. [Inbox]
// verifies in its own goroutine, at a bounded rate; forgeries cost a line a
// minute and never reach the loop's queue or the disk.
package order
