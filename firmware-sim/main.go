package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"sekimori/firmware-sim/rig"
)

// Exit codes, as the package documentation lists them.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// streams are where the program reads and speaks.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	rig.Child() // a process of a desk plays its part and never returns
	// A closed window and a closed pipe end it like a Ctrl-C: the scene is taken
	// down and the terminal given back.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := execute(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// command is one parsed command line, ready to run.
type command func(context.Context, streams) error

// errTold ends the program with a failure of which everything was said.
var errTold = errors.New("failed")

// execute runs one command line and gives its exit code.
func execute(ctx context.Context, args []string, s streams) int {
	run, err := parse(args, s)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		fmt.Fprintf(s.err, "firmware-sim: %v\nfirmware-sim -h tells how it is used\n", err)
		return exitUsage
	}
	err = run(ctx, s)
	var bad usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &bad):
		fmt.Fprintf(s.err, "firmware-sim: %v\n", err)
		return exitUsage
	case !errors.Is(err, errTold):
		fmt.Fprintf(s.err, "firmware-sim: %v\n", err)
	}
	return exitFailed
}

// usageError is a command line, or a file that it names, that makes no sense.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

const usage = `関守を机の上で / a whole door on your desk

  firmware-sim [-once] [-toyoda] [-keep]
      機械室の扉一式を動かし、案内のあと手で触れる
      plays a guided tour at the machine room's door, then takes what you type

      -once      案内だけで終わる / end after the tour: 0 if it held, else 1
      -toyoda    豊田駅連絡所の扉も置く / add the door of the Toyoda station office
      -keep      扉のフォルダを残す / leave the door's folder behind, and say where

  firmware-sim play [-v] [-j N] [-keep] FILE...
      筋書きを実時間で演じる
      plays stories in real time; names file and line of what did not hold

      -v         一部始終を示す / print each story's transcript
      -j N       同時に演じる数 / so many at once, 1 to 16 (default %d)
      -keep      扉のフォルダを残す / leave the doors' folders behind, and say where
`

// parse reads a command line. What it prints is the help that was asked for.
func parse(args []string, s streams) (command, error) {
	if len(args) > 0 && args[0] == "play" {
		return parsePlay(args[1:], s)
	}
	var d demo
	f := flags(s)
	f.BoolVar(&d.once, "once", false, "")
	f.BoolVar(&d.toyoda, "toyoda", false, "")
	f.BoolVar(&d.keep, "keep", false, "")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unknown command %q: want play, or nothing", f.Arg(0))
	}
	return d.run, nil
}

func parsePlay(args []string, s streams) (command, error) {
	p := playing{at: defaultAtOnce()}
	f := flags(s)
	f.BoolVar(&p.verbose, "v", false, "")
	f.IntVar(&p.at, "j", p.at, "")
	f.BoolVar(&p.keep, "keep", false, "")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if p.files = f.Args(); len(p.files) == 0 {
		return nil, errors.New("play: no story file was named")
	}
	if p.at < 1 || p.at > mostAtOnce {
		return nil, fmt.Errorf("play: -j %d: want 1 to %d", p.at, mostAtOnce)
	}
	return p.run, nil
}

// flags says the usage only where it was asked for: an error names what is
// wrong, and no more.
func flags(s streams) *flag.FlagSet {
	f := flag.NewFlagSet("firmware-sim", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() { fmt.Fprintf(s.out, usage, defaultAtOnce()) }
	return f
}
