package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sekimori/controller/event"
	"sekimori/controller/ledger"
	"sekimori/controller/order"
	"sekimori/testdata"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sekimori": main})
}

// TestScripts plays testdata/script: what a person types, and what comes back.
// Each script starts in a folder with the reference data of testdata/hino; the
// commands beside testscript's own are in the table below.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"door-machine-room.toml", "door-terminal-toyoda.toml", "rulebook.toml", "roster.toml"} {
				b, err := testdata.Files.ReadFile("hino/" + name)
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(env.WorkDir, name), b, 0o600); err != nil {
					return err
				}
			}
			return os.Rename(filepath.Join(env.WorkDir, "door-machine-room.toml"), filepath.Join(env.WorkDir, "door.toml"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"perm":    perm,
			"files":   files,
			"replace": replace,
			"adopt":   adopt,
			"record":  record,
			"flip":    flip,
		},
	})
}

// exits runs a command that must end with a code: exits CODE COMMAND...
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var ended *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &ended):
		got = ended.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s ended with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// perm checks the mode of files and folders: perm MODE PATH...
func perm(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	for _, path := range args[1:] {
		info, err := os.Stat(ts.MkAbs(path))
		ts.Check(err)
		if got := info.Mode().Perm(); got != fs.FileMode(want) {
			ts.Fatalf("%s has mode %04o, want %04o", path, got, want)
		}
	}
}

// files checks how many files a folder has: files COUNT FOLDER.
func files(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[1]))
	ts.Check(err)
	if fmt.Sprint(len(entries)) != args[0] {
		ts.Fatalf("%s holds %d files, want %s", args[1], len(entries), args[0])
	}
}

// replace changes the first place of a text in a file: replace FILE OLD NEW.
func replace(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}

// adopt pins the public half of a key in a door file, as an administrator does
// with what "key new" printed: adopt KEY DOORFILE.
func adopt(ts *testscript.TestScript, _ bool, args []string) {
	k, err := order.ReadKey(ts.MkAbs(args[0]))
	ts.Check(err)
	replace(ts, false, []string{args[1], nobodysKey, k.Public().String()})
}

// nobodysKey stands in the reference data where a real door file has the
// administrator's public key.
const nobodysKey = "bm9ib2R5IGhvbGRzIHRoaXMgcHJpdmF0ZSBoYWxmISE="

// record appends events to a ledger as a daemon would have: record FOLDER COUNT.
func record(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ctx := context.Background()
	book, err := ledger.Open(ctx, ts.MkAbs(args[0]), ledger.Options{})
	ts.Check(err)
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.FixedZone("JST", 9*60*60))
	for i := range n {
		ev := event.New(event.AccessDenied)
		ev.Door, ev.Place, ev.Person = book.Door(), "machine_room", "s-002"
		ev.Time, ev.Detail = event.At(at.Add(time.Duration(i)*time.Hour)), fmt.Sprintf("the record number %d", i+1)
		_, err := book.Append(ctx, []ledger.Record{{Event: ev}})
		ts.Check(err)
	}
	ts.Check(book.Close())
}

// flip changes one letter of a text in a file, wherever it stands: flip FILE
// TEXT.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	i := bytes.Index(b, []byte(args[1]))
	if i < 0 {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	b[i] ^= 0x20
	ts.Check(os.WriteFile(path, b, 0o600))
}
