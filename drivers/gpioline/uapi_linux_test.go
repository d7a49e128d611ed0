package gpioline

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
)

// TestUAPINumbers computes each ioctl number from the size of its structure, as
// the macros of Linux uapi asm-generic/ioctl.h do.
func TestUAPINumbers(t *testing.T) {
	number := func(dir, nr, size uint) uint { return dir<<30 | size<<16 | 0xb4<<8 | nr }
	for _, c := range []struct {
		name      string
		got, want uint
	}{
		{"GPIO_GET_CHIPINFO_IOCTL", ioctlChipInfo, number(2, 0x01, uint(len(chipInfo{})))},
		{"GPIO_V2_GET_LINEINFO_IOCTL", ioctlLineInfo, number(3, 0x05, uint(len(lineInfo{})))},
		{"GPIO_V2_GET_LINE_IOCTL", ioctlGetLine, number(3, 0x07, uint(len(lineRequest{})))},
		{"GPIO_V2_LINE_GET_VALUES_IOCTL", ioctlGetValues, number(3, 0x0e, uint(len(lineValues{})))},
		{"GPIO_V2_LINE_SET_VALUES_IOCTL", ioctlSetValues, number(3, 0x0f, uint(len(lineValues{})))},
	} {
		if c.got != c.want {
			t.Errorf("%s = %#x, its structure says %#x", c.name, c.got, c.want)
		}
	}
}

// TestOutputRequestCarriesItsLevel: the value in the request is what makes the
// start free of edges.
func TestOutputRequestCarriesItsLevel(t *testing.T) {
	for _, high := range []bool{false, true} {
		r := outputRequest(17, high, strings.Repeat("x", 40))
		u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(r[at:]) }
		u64 := func(at int) uint64 { return binary.NativeEndian.Uint64(r[at:]) }
		if u32(0) != 17 || u32(560) != 1 {
			t.Errorf("line %d, %d lines", u32(0), u32(560))
		}
		if text(r[256:288]) != strings.Repeat("x", 31) {
			t.Errorf("consumer %q", text(r[256:288]))
		}
		if u64(288) != 8 || u32(296) != 1 || u32(320) != 2 || u64(328) != bit(high) || u64(336) != 1 {
			t.Errorf("configuration % x", r[288:344])
		}
	}
}

func TestUnusedLinesAndChipsAreRefusedByName(t *testing.T) {
	for _, open := range []func() (gpio.PinIO, error){
		func() (gpio.PinIO, error) { return OpenOutput("no-such-chip", "RELAY", gpio.Low, "test") },
		func() (gpio.PinIO, error) { return OpenInput("no-such-chip", "RELAY", gpio.PullUp) },
	} {
		_, err := open()
		if err == nil || !strings.Contains(err.Error(), "no-such-chip") || !strings.Contains(err.Error(), "RELAY") {
			t.Errorf("error %v does not name chip and line", err)
		}
	}
}

// TestDescriptorZeroIsHeld: gpioioctl may close descriptor 0.
func TestDescriptorZeroIsHeld(t *testing.T) {
	saved, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Skipf("NOT TESTED: this process started without descriptor 0: %v", err)
	}
	defer unix.Close(saved)
	unix.Close(0)
	err = holdStdin()
	_, held := unix.FcntlInt(0, unix.F_GETFD, 0)
	if restore := unix.Dup3(saved, 0, 0); restore != nil {
		t.Fatal(restore)
	}
	if err != nil || held != nil {
		t.Fatalf("holdStdin = %v; descriptor 0: %v", err, held)
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Fd() == 0 {
		t.Error("a file was given descriptor 0")
	}
}
