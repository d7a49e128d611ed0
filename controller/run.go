package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"sekimori/controller/config"
	"sekimori/controller/daemon"
)

type runCommand struct {
	doorFlag
	Verbose bool `help:"詳しい記録 / debug log"`
}

// Run guards the door until the process is told to end. SIGHUP reads the
// rulebook again.
func (c runCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if c.Verbose {
		level = slog.LevelDebug
	}
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	return daemon.Run(ctx, daemon.Config{
		Door:    cfg,
		Version: version,
		Log:     slog.New(slog.NewJSONHandler(t.err, &slog.HandlerOptions{Level: level})),
		Reload:  reload,
	}, linuxHost(cfg))
}

type secureCommand struct{ doorFlag }

// Run claims the lock output at its inactive level and lets go of it. systemd
// calls it after any death of the daemon; while the daemon lives it fails,
// because the line is the daemon's. It reads nothing but the lock: a door file
// that was spoilt keeps no door open.
func (c secureCommand) Run(t terminal) error {
	lock, err := config.LoadLock(c.Config)
	if err != nil {
		return coded{exitUsage, err}
	}
	pin, err := openPin(daemon.PinUse{Name: "lock", Pin: lock.Pin, Output: true, ActiveLow: lock.ActiveLow})
	if err != nil {
		return fmt.Errorf("cannot secure the lock: %w", err)
	}
	closer, ok := pin.(io.Closer)
	if !ok {
		return errors.New("cannot secure the lock: internal error: the output cannot be closed")
	}
	if err := closer.Close(); err != nil {
		return fmt.Errorf("cannot secure the lock: %w", err)
	}
	_, err = fmt.Fprintln(t.out, "錠の出力を止めました / lock output inactive")
	return err
}
