package rig

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"

	"sekimori/controller/config"
	"sekimori/controller/daemon"
	"sekimori/drivers"
	"sekimori/drivers/serialport"
	"sekimori/firmware-sim/broker"
)

// The parts that a process of the desk plays: the first word of its arguments.
const (
	partDaemon = "desk:daemon" // DOOR-FILE PORTS-FOLDER BROKER-ADDRESS
	partBroker = "desk:broker" // CERTIFICATES-FOLDER STORE-FOLDER ADDRESS DOOR...
)

// linkFD is the link's descriptor in a process of the desk.
const linkFD = 3

// Child plays the part of a process that a [Desk] started, if this is one, and
// then never returns. Every program that makes a desk calls it first of all,
// and so does the TestMain of every test that does.
func Child() {
	if len(os.Args) < 2 {
		return
	}
	part := map[string]func([]string) error{partDaemon: playDaemon, partBroker: playBroker}[os.Args[1]]
	if part == nil {
		return
	}
	if err := part(os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
	os.Exit(0)
}

// playDaemon is the real daemon with its real drivers; only pins and clock are
// the desk's.
func playDaemon(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("want a door file, a folder and an address, not %q", args)
	}
	// A full disk is a limit on file sizes, set from outside. Beyond it a write
	// fails, as on a full disk, only if the signal is ignored (setrlimit(2)).
	signal.Ignore(unix.SIGXFSZ)
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	cfg, err := config.LoadDoor(args[0])
	if err != nil {
		return err
	}
	b, err := linkedBox()
	if err != nil {
		return err
	}
	return daemon.Run(ctx, daemon.Config{
		Door: cfg, Version: "desk", Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	}, daemon.Host{
		Serial: func(p config.Port) (drivers.Wire, error) {
			return serialport.Open(filepath.Join(args[1], p.Name), serialport.Mode{Baud: p.Baud})
		},
		Pin:  b.pin,
		Wall: b.wall,
		Dial: func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", args[2])
		},
	})
}

// linkedBox is the box behind the inherited link. Without the desk there is no
// door any more: the process ends with the link.
func linkedBox() (*box, error) {
	f := os.NewFile(linkFD, "link")
	conn, err := net.FileConn(f)
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("cannot use the link: %w", err)
	}
	b := newBox(conn)
	go func() {
		<-b.gone
		os.Exit(1)
	}()
	<-b.set // by the desk's first word; without one the process has ended
	return b, nil
}

// playBroker is the embedded broker. It prints its address when clients may
// come, and ends when the link does.
func playBroker(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("want two folders, an address and doors, not %q", args)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.NewFile(linkFD, "link"))
		os.Exit(1)
	}()
	files := broker.Files{
		CA:   filepath.Join(args[0], "ca.pem"),
		Cert: filepath.Join(args[0], broker.ServerName+".pem"),
		Key:  filepath.Join(args[0], broker.ServerName+".key"),
	}
	tls, err := broker.ReadServer(files)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	return broker.RunDesk(ctx, broker.DeskConfig{
		Addr: args[2], Store: args[1], TLS: tls, Doors: args[3:],
		Ready: func(addr string) { fmt.Println(addr) },
	})
}
