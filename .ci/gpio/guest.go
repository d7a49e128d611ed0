//go:build linux

// The first process of the GPIO guest: it mounts what the tests look at, loads
// the modules, simulates a chip, runs the tests and switches the machine off.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// The chip that drivers/gpioline's tests expect: label and names by offset.
const chipLabel = "sekimori-sim"

var lines = []string{"RELAY", "RELAY_LOW", "DOOR", "BOLT", "PERIPH", "SPARE", "TWICE", "TWICE"}

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: this is an init; it runs as process 1 of a virtual machine")
		os.Exit(1)
	}
	err := prepare()
	if err == nil {
		err = test()
	}
	if err != nil {
		fmt.Printf("guest: %v\n", err)
	} else {
		fmt.Println("guest: tests passed")
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func prepare() error {
	for _, m := range []struct{ kind, at string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}, {"tracefs", "/sys/kernel/tracing"},
	} {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("cannot mount %s: %w", m.at, err)
		}
	}
	order, err := os.ReadFile("/mod/order")
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(string(order)) {
		if err := load(filepath.Join("/mod", name)); err != nil {
			return fmt.Errorf("cannot load %s: %w", name, err)
		}
	}
	if err := unix.Mount("configfs", "/sys/kernel/config", "configfs", 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("cannot mount configfs: %w", err)
	}
	return simulate("/sys/kernel/config/gpio-sim/sekimori")
}

func load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

// simulate makes the chip (kernel documentation, admin-guide/gpio/gpio-sim).
func simulate(dir string) error {
	bank := filepath.Join(dir, "bank0")
	if err := os.MkdirAll(bank, 0o755); err != nil {
		return err
	}
	set := func(path, value string) error { return os.WriteFile(path, []byte(value), 0o644) }
	if err := errors.Join(set(bank+"/num_lines", fmt.Sprint(len(lines))), set(bank+"/label", chipLabel)); err != nil {
		return err
	}
	for i, name := range lines {
		line := fmt.Sprintf("%s/line%d", bank, i)
		if err := os.Mkdir(line, 0o755); err != nil {
			return err
		}
		if err := set(line+"/name", name); err != nil {
			return err
		}
	}
	if err := set(dir+"/live", "1"); err != nil {
		return err
	}
	chip, err := os.ReadFile(bank + "/chip_name")
	if err != nil {
		return err
	}
	device, err := os.ReadFile(dir + "/dev_name")
	if err != nil {
		return err
	}
	return errors.Join(
		os.Setenv("SEKIMORI_GPIO_SIM", filepath.Join("/sys/devices/platform", strings.TrimSpace(string(device)), strings.TrimSpace(string(chip)))),
		os.Setenv("SEKIMORI_GPIO_SIM_LIVE", dir+"/live"),
		os.Setenv("SEKIMORI_REQUIRE", "kernel-gpio"))
}

func test() error {
	cmd := exec.Command("/gpioline.test", "-test.v", "-test.run=^TestKernel", "-test.timeout=300s")
	cmd.Stdout, cmd.Stderr, cmd.Dir = os.Stdout, os.Stdout, "/tmp"
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("tests failed: %w", err)
	}
	return nil
}
