package serialport

import "fmt"

// Mode is how a line is set up. The zero value of each field but Baud is the
// usual one: 8 data bits, no parity, 1 stop bit, no direction control.
type Mode struct {
	Baud      int // bits per second, 300 to 4,000,000
	DataBits  int // 7 or 8; 0 is 8
	Parity    Parity
	StopBits  int // 1 or 2; 0 is 1
	Direction Direction
}

// Parity of a character. A pseudo-terminal accepts any and applies none.
type Parity uint8

// Parities.
const (
	ParityNone Parity = iota
	ParityOdd
	ParityEven
)

// Direction says who turns an RS-485 transceiver from receiving to sending.
type Direction uint8

const (
	// DirectionAuto: the transceiver or adapter does it (or the line is not
	// RS-485). The default.
	DirectionAuto Direction = iota
	// DirectionKernel: the UART's driver raises RTS while it sends (Linux
	// TIOCSRS485). Opening fails with [ErrNever] where the driver cannot:
	// half of what is sent would never leave the box.
	DirectionKernel
)

const (
	lowestBaud  = 300
	highestBaud = 4_000_000
)

// Check tells what is wrong with m, without opening anything.
func (m Mode) Check() error {
	switch {
	case m.Baud < lowestBaud || m.Baud > highestBaud:
		return fmt.Errorf("speed %d: want %d to %d", m.Baud, lowestBaud, highestBaud)
	case m.DataBits != 0 && m.DataBits != 7 && m.DataBits != 8:
		return fmt.Errorf("%d data bits: want 7 or 8", m.DataBits)
	case m.StopBits < 0 || m.StopBits > 2:
		return fmt.Errorf("%d stop bits: want 1 or 2", m.StopBits)
	case m.Parity > ParityEven:
		return fmt.Errorf("parity %d: want none, odd or even", m.Parity)
	case m.Direction > DirectionKernel:
		return fmt.Errorf("direction %d: want auto or kernel", m.Direction)
	}
	return nil
}
