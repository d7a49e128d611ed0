package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"sekimori/controller/config"
)

// version is set by the release build (-ldflags "-X main.version=…").
var version = "development"

// Exit codes, as the package documentation lists them.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitLedger  = 3
	exitRefused = 4
)

// coded is an error that ends the process with its own code.
type coded struct {
	code int
	err  error
}

func (c coded) Error() string { return c.err.Error() }
func (c coded) Unwrap() error { return c.err }

// command is the whole command line.
type command struct {
	Init     initCommand     `cmd:"" help:"台帳と盤の鍵を作る(一度だけ) / make the ledger and the device key, once"`
	Run      runCommand      `cmd:"" help:"扉を守る / guard the door"`
	Check    checkCommand    `cmd:"" help:"規則・配線・上限を表で示す、または誤りを行と列で示す / print rules, wiring and bounds, or every error with its line and column"`
	Import   importCommand   `cmd:"" help:"名簿を取り込む / import a roster"`
	Enroll   enrollCommand   `cmd:"" help:"指を登録する / enrol a person's finger at the door"`
	Erase    eraseCommand    `cmd:"" help:"生体情報を消去する / erase a person's fingers"`
	Lockdown lockdownCommand `cmd:"" help:"閉鎖する / lock the door down; egress stays free"`
	Release  releaseCommand  `cmd:"" help:"閉鎖を解く / end a lockdown"`
	Resecure resecureCommand `cmd:"" help:"非常解錠から復帰する / re-secure after an emergency"`
	Reset    resetCommand    `cmd:"" help:"在室記録・試行超過を戻す / reset a person's presence or lockout"`
	Ledger   ledgerCommand   `cmd:"" help:"記録を検証・表示する / verify or show the ledger"`
	Secure   secureCommand   `cmd:"" help:"錠の出力を止める / drive the lock output inactive"`
	Key      keyCommand      `cmd:"" help:"管理者の鍵を作る / make an administrator's key"`
	Version  versionCommand  `cmd:"" help:"版を示す / print the version"`
}

// terminal is where a command speaks.
type terminal struct {
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], terminal{os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// execute runs one command line and gives its exit code.
func execute(ctx context.Context, args []string, t terminal) int {
	var c command
	ended := -1
	parser, err := kong.New(&c,
		kong.Name("sekimori"),
		kong.Description("関守: 大切な扉の番人 / the keeper of a door that matters"),
		kong.Writers(t.out, t.err),
		kong.Exit(func(code int) { ended = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(t),
	)
	if err != nil {
		panic("sekimori: internal error: the command line: " + err.Error())
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	switch {
	case ended >= 0:
		return ended
	case err != nil:
		fmt.Fprintf(t.err, "sekimori: %v\n", err)
		return exitUsage
	}
	if err := parsed.Run(); err != nil {
		fmt.Fprintf(t.err, "sekimori: %v\n", err)
		return codeOf(err)
	}
	return exitDone
}

func codeOf(err error) int {
	var c coded
	var file *config.Error
	var files config.Errors
	switch {
	case errors.As(err, &c):
		return c.code
	case errors.As(err, &file), errors.As(err, &files):
		return exitUsage
	default:
		return exitFailed
	}
}

type versionCommand struct{}

func (versionCommand) Run(t terminal) error {
	_, err := fmt.Fprintln(t.out, "sekimori", version)
	return err
}

// doorFlag is the door file that nearly every command needs.
type doorFlag struct {
	Config string `required:"" placeholder:"FILE" help:"扉の設定 / the door file"`
}

func (f doorFlag) load() (*config.Door, error) { return config.LoadDoor(f.Config) }
