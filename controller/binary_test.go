package main

import (
	"debug/buildinfo"
	"debug/elf"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGraph follows the daemon's imports through every package of ours, under
// any build tag: no simulator, no test rig, no process is started.
func TestGraph(t *testing.T) {
	seen := map[string]bool{}
	var visit func(pkg, by string)
	visit = func(pkg, by string) {
		switch {
		case strings.HasPrefix(pkg, "sekimori/firmware-sim"), pkg == "sekimori/drivers/drivertest", pkg == "sekimori/testdata",
			pkg == "os/exec", pkg == "testing", strings.HasPrefix(pkg, "testing/"), pkg == "C", pkg == "plugin":
			t.Errorf("%s imports %s", by, pkg)
		}
		if seen[pkg] || !strings.HasPrefix(pkg, "sekimori/") {
			return
		}
		seen[pkg] = true
		for _, next := range importsOf(t, filepath.Join("..", strings.TrimPrefix(pkg, "sekimori/"))) {
			visit(next, pkg)
		}
	}
	visit("sekimori/controller", "")
	for _, want := range []string{"sekimori/controller/door", "sekimori/drivers/osdp", "sekimori/policy"} {
		if !seen[want] {
			t.Errorf("%s was not reached: the walk proves nothing", want)
		}
	}
}

// importsOf lists what the non-test files of a folder import.
func importsOf(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, im := range f.Imports {
			out = append(out, strings.Trim(im.Path.Value, `"`))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestBinary looks at what is really linked, other people's modules included:
// a dependency that could start a process (modernc.org/libc imports os/exec)
// must have that part left out by the linker.
func TestBinary(t *testing.T) {
	path := build(t)
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range info.Settings {
		if s.Key == "CGO_ENABLED" && s.Value != "0" {
			t.Error("built with cgo")
		}
	}
	for _, m := range info.Deps {
		for _, no := range []string{"nats-io/", "rogpeppe/", "pgregory.net/rapid", "creack/pty", "go.uber.org/goleak"} {
			if strings.Contains(m.Path, no) {
				t.Errorf("module %s is linked", m.Path)
			}
		}
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, s := range symbols {
		found = found || strings.HasPrefix(s.Name, "sekimori/controller/door.")
		for _, no := range []string{"os/exec.", "sekimori/firmware-sim", "sekimori/drivers/drivertest", "sekimori/testdata", "testing."} {
			if strings.HasPrefix(s.Name, no) {
				t.Errorf("%s is linked", s.Name)
			}
		}
	}
	if !found {
		t.Error("no symbol of the door: the look proves nothing")
	}
}

// build makes the daemon as the README says.
func build(t *testing.T) string {
	t.Helper()
	tool, err := exec.LookPath("go")
	if err != nil {
		missing(t, "go", "the daemon cannot be built: no go tool here")
	}
	path := filepath.Join(t.TempDir(), "sekimori")
	cmd := exec.CommandContext(t.Context(), tool, "build", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// missing skips aloud, or fails where the part is required.
func missing(t *testing.T, word, why string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("SEKIMORI_REQUIRE"), ","), word) {
		t.Fatalf("%s, and SEKIMORI_REQUIRE asks for %q", why, word)
	}
	t.Skipf("SKIPPED: %s (SEKIMORI_REQUIRE=%s makes this a failure)", why, word)
}

// TestUnit: systemd itself finds nothing wrong with the unit, and the commands
// in it are commands that the daemon has.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile("../deploy/sekimori.service")
	if err != nil {
		t.Fatal(err)
	}
	const installed = "/usr/local/bin/sekimori"
	daemon := build(t)
	for _, l := range strings.Split(string(text), "\n") {
		_, cmd, ok := strings.Cut(l, "="+installed+" ")
		if !ok {
			continue
		}
		args := strings.Fields(strings.ReplaceAll(cmd, "/etc/sekimori/door.toml", filepath.Join(t.TempDir(), "door.toml")))
		if code, _, errs := typed(t, args...); code == exitDone || !strings.Contains(errs, "cannot read") {
			t.Errorf("%s: %d %s", cmd, code, errs)
		}
	}
	// The clock task reads adjtimex(2), which stands in @clock and so in
	// @privileged: a filter that takes it away kills the daemon at its start.
	_, after, ok := strings.Cut(string(text), "SystemCallFilter=~@privileged")
	if !ok || !strings.Contains(after, "SystemCallFilter=adjtimex") || strings.Contains(string(text), "\nProtectClock=yes") {
		t.Error("the unit does not let the daemon read the state of the clock (adjtimex)")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		missing(t, "systemd", "the unit is not verified: no systemd-analyze here")
	}
	unit := filepath.Join(t.TempDir(), "sekimori.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), installed, daemon)), fs.FileMode(0o644)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
