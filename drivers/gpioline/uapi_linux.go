package gpioline

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The GPIO character device, version 2, of Linux uapi linux/gpio.h. The
// structures are byte arrays with named offsets: their layout is the same on
// every architecture, and Go's alignment of a uint64 is not.
const (
	ioctlChipInfo  = 0x8044b401 // GPIO_GET_CHIPINFO_IOCTL
	ioctlLineInfo  = 0xc100b405 // GPIO_V2_GET_LINEINFO_IOCTL
	ioctlGetLine   = 0xc250b407 // GPIO_V2_GET_LINE_IOCTL
	ioctlGetValues = 0xc010b40e // GPIO_V2_LINE_GET_VALUES_IOCTL
	ioctlSetValues = 0xc010b40f // GPIO_V2_LINE_SET_VALUES_IOCTL

	nameSize = 32 // GPIO_MAX_NAME_SIZE, with the terminating zero

	flagUsed   = 1 << 0
	flagOutput = 1 << 3

	attrOutputValues = 2 // GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES
)

// chipInfo is struct gpiochip_info.
type chipInfo [68]byte

func (c *chipInfo) name() string  { return text(c[0:32]) }
func (c *chipInfo) label() string { return text(c[32:64]) }
func (c *chipInfo) lines() uint32 { return binary.NativeEndian.Uint32(c[64:]) }

// lineInfo is struct gpio_v2_line_info.
type lineInfo [256]byte

func (l *lineInfo) setOffset(n uint32) { binary.NativeEndian.PutUint32(l[64:], n) }
func (l *lineInfo) name() string       { return text(l[0:32]) }
func (l *lineInfo) consumer() string   { return text(l[32:64]) }
func (l *lineInfo) used() bool         { return binary.NativeEndian.Uint64(l[72:])&flagUsed != 0 }

// lineRequest is struct gpio_v2_line_request with its gpio_v2_line_config.
type lineRequest [592]byte

const (
	requestConsumer = 256
	requestFlags    = 288       // config.flags
	requestAttrs    = 288 + 8   // config.num_attrs
	requestAttr     = 288 + 32  // config.attrs[0]: id, padding, value, mask
	requestLines    = 288 + 272 // num_lines
	requestFD       = 588
)

// outputRequest asks for one line as an output that has its level from the
// first moment: the value travels with the request, so there is no edge.
func outputRequest(offset uint32, high bool, consumer string) *lineRequest {
	var r lineRequest
	order := binary.NativeEndian
	order.PutUint32(r[0:], offset)
	copy(r[requestConsumer:requestConsumer+nameSize-1], consumer)
	order.PutUint64(r[requestFlags:], flagOutput)
	order.PutUint32(r[requestAttrs:], 1)
	order.PutUint32(r[requestAttr:], attrOutputValues)
	order.PutUint64(r[requestAttr+8:], bit(high))
	order.PutUint64(r[requestAttr+16:], 1) // mask: the only line
	order.PutUint32(r[requestLines:], 1)
	return &r
}

func (r *lineRequest) fd() int { return int(int32(binary.NativeEndian.Uint32(r[requestFD:]))) }

// lineValues is struct gpio_v2_line_values for a request of one line.
type lineValues [16]byte

func newLineValues(high bool) *lineValues {
	var v lineValues
	binary.NativeEndian.PutUint64(v[0:], bit(high))
	binary.NativeEndian.PutUint64(v[8:], 1)
	return &v
}

func (v *lineValues) high() bool { return binary.NativeEndian.Uint64(v[0:])&1 != 0 }

func bit(on bool) uint64 {
	if on {
		return 1
	}
	return 0
}

// text is a C string.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// ioctl does not block on a GPIO device; a signal may still interrupt it.
func ioctl[T chipInfo | lineInfo | lineRequest | lineValues](fd int, request uint, arg *T) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(arg)))
		runtime.KeepAlive(arg)
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}
