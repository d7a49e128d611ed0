package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

func command(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("%s %s: %v: %s", name, strings.Join(args, " "), err, text)
	}
	return text, nil
}

// attach puts a file behind a loop device and mounts its ext4 at dir. The
// returned function undoes both.
func attach(image, dir, options string, format bool) (func() error, error) {
	loop, err := command("losetup", "-f", "--show", image)
	if err != nil {
		return nil, err
	}
	if format {
		_, err = command("mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", loop)
	}
	if err == nil {
		_, err = command("mount", "-t", "ext4", "-o", options, loop, dir)
	}
	if err != nil {
		_, again := command("losetup", "-d", loop)
		return nil, errors.Join(err, again)
	}
	return func() error {
		_, a := command("umount", dir)
		_, b := command("losetup", "-d", loop)
		return errors.Join(a, b)
	}, nil
}

// clean removes what a run, also a killed one, left under dir: mounts, loop
// devices, and the folder itself. A disk whose server died answers nobody, so
// its connection is broken off first; then whatever waits for it fails.
func clean(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	var errs []error
	systems, disks, err := mountsUnder(dir)
	errs = append(errs, err)
	loops, err := loopsUnder(dir)
	errs = append(errs, err)
	for _, m := range disks {
		syscall.Unmount(m, syscall.MNT_FORCE)
	}
	for _, m := range systems {
		errs = append(errs, unmount(m))
	}
	for _, l := range loops {
		_, err := command("losetup", "-d", l)
		errs = append(errs, err)
	}
	for _, m := range disks {
		errs = append(errs, unmount(m))
	}
	return errors.Join(append(errs, os.RemoveAll(dir))...)
}

// unmount detaches at once, whoever still uses it. Gone already is as good.
func unmount(dir string) error {
	err := syscall.Unmount(dir, syscall.MNT_DETACH)
	if err != nil && err != syscall.EINVAL {
		return fmt.Errorf("cannot unmount %s: %v", dir, err)
	}
	return nil
}

// mountsUnder lists file systems on our disks, and the disks, the newest first.
func mountsUnder(dir string) (systems, disks []string, err error) {
	table, err := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		switch {
		case len(f) < 3 || !strings.HasPrefix(f[1], dir+"/"):
		case strings.HasPrefix(f[2], "fuse"):
			disks = append([]string{f[1]}, disks...)
		default:
			systems = append([]string{f[1]}, systems...)
		}
	}
	return systems, disks, err
}

func loopsUnder(dir string) ([]string, error) {
	backs, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	var out []string
	for _, b := range backs {
		if name, err := os.ReadFile(b); err == nil && strings.HasPrefix(string(name), dir+"/") {
			out = append(out, "/dev/"+strings.Split(b, "/")[3])
		}
	}
	return out, err
}
