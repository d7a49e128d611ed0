package osdp

// Command codes, ACU to PD (OSDP v2.2 §6, table of commands).
const (
	CommandPoll      = 0x60
	CommandID        = 0x61
	CommandCap       = 0x62
	CommandLStat     = 0x64
	CommandIStat     = 0x65
	CommandOStat     = 0x66
	CommandRStat     = 0x67
	CommandOut       = 0x68
	CommandLED       = 0x69
	CommandBuz       = 0x6A
	CommandText      = 0x6B
	CommandComSet    = 0x6E // never sent
	CommandKeySet    = 0x75 // never sent
	CommandChallenge = 0x76 // CHLNG
	CommandSCrypt    = 0x77
	CommandACURxSize = 0x7B
)

// Reply codes, PD to ACU (OSDP v2.2 §7, table of replies).
const (
	ReplyACK     = 0x40
	ReplyNAK     = 0x41
	ReplyPDID    = 0x45
	ReplyPDCap   = 0x46
	ReplyLStatR  = 0x48
	ReplyIStatR  = 0x49
	ReplyOStatR  = 0x4A
	ReplyRStatR  = 0x4B
	ReplyRaw     = 0x50
	ReplyFmt     = 0x51
	ReplyKeypad  = 0x53
	ReplyCom     = 0x54
	ReplyCCrypt  = 0x76
	ReplyBusy    = 0x79
	ReplyRMACI   = 0x78
	ReplyBioRead = 0x57
)

// Reasons of a NAK (OSDP v2.2 §7.3).
const (
	NAKCheck      = 0x01 // bad check value
	NAKLength     = 0x02
	NAKCommand    = 0x03 // unknown command
	NAKSequence   = 0x04
	NAKBlock      = 0x05 // security block not supported
	NAKConditions = 0x06 // security conditions not met
	NAKRecord     = 0x09 // unable to process the command record
)

// Security block types (OSDP v2.2 Annex D).
const (
	SCS11 = 0x11 // CHLNG
	SCS12 = 0x12 // CCRYPT
	SCS13 = 0x13 // SCRYPT
	SCS14 = 0x14 // RMAC_I
	SCS15 = 0x15 // command, MAC, data in clear
	SCS16 = 0x16 // reply, MAC, data in clear
	SCS17 = 0x17 // command, MAC, data encrypted
	SCS18 = 0x18 // reply, MAC, data encrypted
)

// Capability functions of PDCAP (OSDP v2.2 Annex B). The ACU looks at those for
// inputs, outputs and text only. PDCAP arrives in clear first, so a capability
// never decides about security.
const (
	FunctionInputs   = 0x01
	FunctionOutputs  = 0x02
	FunctionCards    = 0x03
	FunctionLED      = 0x04
	FunctionSound    = 0x05
	FunctionText     = 0x06
	FunctionCheck    = 0x08
	FunctionSecurity = 0x09
	FunctionBuffer   = 0x0A
	FunctionMessage  = 0x0B
	FunctionReaders  = 0x0D
	FunctionBio      = 0x0E
	FunctionVersion  = 0x10
)

// Addresses (OSDP v2.2 §5.9).
const (
	MaxAddress    = 0x7E
	ConfigAddress = 0x7F // every PD answers; never used in service
)

// KeyNumber is the one data byte of SCS_11..13: which key the session uses.
const (
	keyDefault = 0x00 // SCBK-D, public: never used
	keyReader  = 0x01 // SCBK
)
