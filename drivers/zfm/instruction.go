package zfm

import (
	"encoding/binary"
	"fmt"
	"time"
)

// instruction is the first content byte of a command (R503 user manual,
// "system-related instructions" and "fingerprint-processing instructions").
// Only those that this driver sends: in particular neither Empty nor
// SetSysPara, SetPwd or SetAdder.
type instruction byte

const (
	genImg         instruction = 0x01
	img2Tz         instruction = 0x02
	match          instruction = 0x03
	search         instruction = 0x04
	regModel       instruction = 0x05
	store          instruction = 0x06
	loadChar       instruction = 0x07
	upChar         instruction = 0x08
	downChar       instruction = 0x09
	deletChar      instruction = 0x0C
	readSysPara    instruction = 0x0F
	vfyPwd         instruction = 0x13
	templateNum    instruction = 0x1D
	readIndexTable instruction = 0x1F
	auraLedConfig  instruction = 0x35
	getFwVer       instruction = 0x3A
	readProdInfo   instruction = 0x3C
)

// shape is what is known about one instruction's exchange.
type shape struct {
	name    string
	answer  int           // bytes behind confirmation code 00
	timeout time.Duration // from the last byte of the command to the answer
	// tries is how often the command may be sent before its exchange fails.
	// 1 where a second one would act on what the first left behind.
	tries int
}

// The timeouts are those of the Adafruit library, longer where the manuals give
// longer times for work with the sensor or the flash memory.
var shapes = map[instruction]shape{
	genImg:         {"GenImg", 0, 1500 * time.Millisecond, 2},
	img2Tz:         {"Img2Tz", 0, 1500 * time.Millisecond, 2},
	match:          {"Match", 2, time.Second, 2},
	search:         {"Search", 4, 2 * time.Second, 2},
	regModel:       {"RegModel", 0, 2 * time.Second, 1},
	store:          {"Store", 0, 2 * time.Second, 2},
	loadChar:       {"LoadChar", 0, time.Second, 2},
	upChar:         {"UpChar", 0, time.Second, 2},
	downChar:       {"DownChar", 0, time.Second, 1},
	deletChar:      {"DeletChar", 0, 2 * time.Second, 2},
	readSysPara:    {"ReadSysPara", 16, time.Second, 2},
	vfyPwd:         {"VfyPwd", 0, time.Second, 2},
	templateNum:    {"TemplateNum", 2, time.Second, 2},
	readIndexTable: {"ReadIndexTable", 32, time.Second, 2},
	auraLedConfig:  {"AuraLedConfig", 0, 500 * time.Millisecond, 1},
	getFwVer:       {"GetFwVer", 32, 500 * time.Millisecond, 2},
	readProdInfo:   {"ReadProdInfo", 46, 500 * time.Millisecond, 2},
}

func (i instruction) String() string {
	if s, ok := shapes[i]; ok {
		return s.name
	}
	return fmt.Sprintf("instruction %02X", byte(i))
}

// code is a confirmation code. The families disagree above 18, so the driver
// acts on few and takes every other as a failure.
type code byte

const (
	ok            code = 0x00
	receiveError  code = 0x01 // the module could not read the command
	noFinger      code = 0x02
	notCaptured   code = 0x03
	tooMessy      code = 0x06
	tooFew        code = 0x07 // too few features
	noMatch       code = 0x08
	notFound      code = 0x09 // not in the library
	mergeFailed   code = 0x0A // the views are not of one finger
	wrongPassword code = 0x13
	noImage       code = 0x15
	needPassword  code = 0x21
	emptyLibrary  code = 0x24
)

var codeNames = map[code]string{
	ok: "ok", receiveError: "packet receive error", noFinger: "no finger", notCaptured: "image not captured",
	tooMessy: "image too messy", tooFew: "too few features", noMatch: "templates do not match",
	notFound: "not found in library", mergeFailed: "views cannot be merged", 0x0B: "page out of range",
	0x0C: "template cannot be read", 0x0D: "template cannot be uploaded", 0x0E: "data packets cannot be received",
	0x10: "template cannot be deleted", wrongPassword: "wrong password", noImage: "no valid image",
	0x18: "flash write error", 0x1F: "library full", 0x20: "address error", needPassword: "password must be verified",
	0x22: "template empty", emptyLibrary: "library empty", 0x29: "sensor hardware error", 0xFC: "unsupported command",
	0xFD: "hardware error", 0xFE: "execution failure",
}

func (c code) String() string {
	if s, known := codeNames[c]; known {
		return fmt.Sprintf("code %02X (%s)", byte(c), s)
	}
	return fmt.Sprintf("code %02X", byte(c))
}

// unreadable: the finger was there but gave no usable image.
func (c code) unreadable() bool {
	switch c {
	case notCaptured, tooMessy, tooFew, noImage:
		return true
	}
	return false
}

// request is a command's content: the instruction and its parameters.
func request(i instruction, params ...byte) []byte {
	return append([]byte{byte(i)}, params...)
}

// withPage puts a page number behind params.
func withPage(page uint16, params ...byte) []byte {
	return binary.BigEndian.AppendUint16(params, page)
}

// answer is the outcome of one exchange. code and data mean something only
// when err is nil. data aliases the receive buffer and ends with the callback.
type answer struct {
	code code
	data []byte
	err  error
}

// failure describes an answer that is not 00.
func (a answer) failure(i instruction) error {
	switch {
	case a.err != nil:
		return fmt.Errorf("%v: %w", i, a.err)
	case a.code != ok:
		return fmt.Errorf("%v: %v", i, a.code)
	}
	return nil
}
