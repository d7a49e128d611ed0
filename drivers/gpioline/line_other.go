//go:build !linux

package gpioline

import (
	"fmt"
	"runtime"

	"periph.io/x/conn/v3/gpio"
)

// OpenOutput needs the Linux GPIO character device.
func OpenOutput(chipLabel, line string, _ gpio.Level, _ string) (gpio.PinIO, error) {
	return nil, fmt.Errorf("cannot open output %s of GPIO chip %s: not built for %s", line, chipLabel, runtime.GOOS)
}

// OpenInput needs the Linux GPIO character device.
func OpenInput(chipLabel, line string, _ gpio.Pull) (gpio.PinIO, error) {
	return nil, fmt.Errorf("cannot open input %s of GPIO chip %s: not built for %s", line, chipLabel, runtime.GOOS)
}
