package osdppd

import "time"

// Faults are the knobs. A count is used up by that many answers; a flag stays.
type Faults struct {
	// The line.
	Drop          int           // answers that get lost; the command was executed
	Delay         time.Duration // before every answer
	Split         int           // every answer pauses after so many bytes …
	SplitPause    time.Duration // … for this long
	Prepend       []byte        // marking or noise before every answer
	CorruptCheck  int           // answers with a wrong check value
	CorruptMAC    int           // answers with a wrong MAC and a good check value
	WrongSequence int           // answers with another sequence number
	SequenceZero  int           // answers with sequence number 0
	Busy          int           // commands answered BUSY and not executed
	Deaf          bool          // hears nothing, but keeps its state

	// The device.
	NAKChecks       bool  // says NAK 01 to a broken frame; else it is silent
	SilentOnBadMAC  bool  // drops the session without NAK 06
	NoSecureChannel bool  // refuses CHLNG by NAK 05
	EmptyBlocks     bool  // answers ACK as SCS_18 with a block of padding only
	HollowBlocks    bool  // answers ACK as SCS_18 with no block at all
	ClearData       bool  // sends data in clear under a MAC (SCS_16)
	KeepQueue       bool  // gives cards read before the session to it
	ConstantRandom  bool  // RND.B never changes
	KeyNumberZero   bool  // answers the handshake with key number 00, using its own key
	DefaultKey      bool  // uses the default key and says so
	WrongKey        bool  // does not know the key
	LastReader      *byte // says its cards come from this reading head

	// The attacker.
	LyingCapabilities []byte    // PDCAP in clear: a downgrade on the wire
	Capabilities      []byte    // PDCAP everywhere: another firmware
	PDID              *[12]byte // another device …
	CUID              *[8]byte  // … or another identity in the handshake
	PlainRaw          int       // answers with a card report in clear put before them
	ReplayRaw         int       // answers replaced by the last card report recorded, its sequence number made to fit
}

// take uses up one of a counted fault.
func take(n *int) bool {
	if *n > 0 {
		*n--
		return true
	}
	return false
}
