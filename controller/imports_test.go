package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The import rules of this repository. They are policy: a change here is a
// change of the architecture and is reviewed as one. Do not edit the table to
// make a build pass.
//
// A package may import, of ours, what its row lists; a row ending in /* stands
// for every package below. A package without a row may not exist.
var rules = []rule{
	{pkg: "policy", never: []string{"os", "net", "log", "log/slog", "sync", "sync/atomic", "io", "context", "math/rand", "crypto/rand"}, pure: true},
	{pkg: "drivers"},
	{pkg: "drivers/card", pure: true},
	{pkg: "drivers/osdp", may: []string{"drivers", "drivers/card"}},
	{pkg: "drivers/*", may: []string{"drivers"}},
	{pkg: "controller/event", may: []string{"policy"}},
	{pkg: "controller/config", may: []string{"policy"}},
	{pkg: "controller/door", may: []string{"controller/event", "policy"}, never: []string{"os", "net", "log", "log/slog", "sync", "sync/atomic", "io", "context", "math/rand", "crypto/rand"}, pure: true},
	{pkg: "controller/ledger", may: []string{"controller/event"}},
	{pkg: "controller/order", may: []string{"controller/event", "policy"}},
	{pkg: "controller/uplink", may: []string{"controller/event", "controller/ledger"}},
	{pkg: "controller/loop", may: []string{"drivers", "controller/door", "controller/event", "controller/order", "policy"}},
	{pkg: "controller/daemon", may: []string{"controller/*", "drivers", "drivers/*", "policy"}, not: []string{"drivers/drivertest"}},
	{pkg: "controller", may: []string{"controller/*", "drivers", "drivers/*", "policy"}, not: []string{"drivers/drivertest"}},
	{pkg: "firmware-sim/story"},
	{pkg: "firmware-sim/rig", may: []string{"firmware-sim/*", "drivers", "drivers/*", "controller/*", "policy", "testdata"}},
	{pkg: "firmware-sim", may: []string{"firmware-sim/*", "drivers", "drivers/*", "controller/*", "policy", "testdata"}},
	{pkg: "firmware-sim/broker"},
	{pkg: "firmware-sim/*", may: []string{"drivers", "drivers/*"}},
	{pkg: "testdata"},
}

type rule struct {
	pkg   string
	may   []string // packages of ours
	not   []string // exceptions from may
	never []string // packages of the standard library
	pure  bool     // no goroutine, no wall clock
}

// Limits of size. An exception is named here with its reason, never in a
// comment beside the code.
const (
	maxFile     = 500
	maxFunction = 70
)

var sizeExceptions = map[string]string{}

// banned package names say nothing about what is inside.
var banned = []string{"util", "utils", "common", "helpers", "helper", "misc", "base", "types", "shared", "manager", "lib"}

func TestImports(t *testing.T) {
	root := ".."
	for _, pkg := range packages(t, root) {
		r, ok := ruleOf(pkg.path)
		if !ok {
			t.Errorf("package %s has no row in the table", pkg.path)
			continue
		}
		for _, p := range pkg.faults(r) {
			t.Error(p)
		}
	}
}

// TestImportsCatch proves that the check can fail: each sample breaks one rule.
func TestImportsCatch(t *testing.T) {
	samples := map[string]string{
		"policy imports os":        "package policy\nimport _ \"os\"\n",
		"policy imports a driver":  "package policy\nimport _ \"sekimori/drivers\"\n",
		"policy reads the clock":   "package policy\nimport \"time\"\nvar x = time.Now()\n",
		"policy starts goroutines": "package policy\nfunc f() { go f() }\n",
		"exec in the product":      "package policy\nimport _ \"os/exec\"\n",
		"a function too long":      "package policy\nfunc f() {\n" + strings.Repeat("\n", maxFunction+1) + "}\n",
		"a file too long":          "package policy\n" + strings.Repeat("\n", maxFile+1),
	}
	r, _ := ruleOf("policy")
	for name, src := range samples {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "sample.go", src, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		p := pkg{path: "policy", fset: fset, files: map[string]*ast.File{"policy/sample.go": f}}
		if len(p.faults(r)) == 0 {
			t.Errorf("%s: not caught", name)
		}
	}
}

// TestTopLevel: the first thing that a newcomer sees is exactly this.
func TestTopLevel(t *testing.T) {
	want := []string{"README.md", "controller", "deploy", "drivers", "firmware-sim", "go.mod", "go.sum", "policy", "testdata"}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			got = append(got, e.Name())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("top level is %v, want %v", got, want)
	}
}

type pkg struct {
	path  string // relative to the module
	fset  *token.FileSet
	files map[string]*ast.File // non-test files, by path relative to the module
}

// packages parses every non-test Go file of the module.
func packages(t *testing.T, root string) []pkg {
	t.Helper()
	found := map[string]*pkg{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && rel != "." {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		dir := path.Dir(filepath.ToSlash(rel))
		if found[dir] == nil {
			found[dir] = &pkg{path: dir, fset: token.NewFileSet(), files: map[string]*ast.File{}}
		}
		f, err := parser.ParseFile(found[dir].fset, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		found[dir].files[filepath.ToSlash(rel)] = f
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []pkg
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[name])
	}
	return out
}

func ruleOf(p string) (rule, bool) {
	for _, r := range rules {
		if r.pkg == p {
			return r, true
		}
	}
	for _, r := range rules {
		if strings.HasSuffix(r.pkg, "/*") && strings.HasPrefix(p, strings.TrimSuffix(r.pkg, "*")) {
			return r, true
		}
	}
	return rule{}, false
}

func matches(pattern, p string) bool {
	if base, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(p, base+"/")
	}
	return pattern == p
}

func (p pkg) faults(r rule) []string {
	var out []string
	if slices.Contains(banned, path.Base(p.path)) {
		out = append(out, fmt.Sprintf("%s: a package is named for what it stands for", p.path))
	}
	doc := false
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		f := p.files[name]
		doc = doc || f.Doc != nil
		out = append(out, p.imports(r, name, f)...)
		out = append(out, p.sizes(name, f)...)
		if r.pure {
			out = append(out, p.impurities(name, f)...)
		}
	}
	if !doc {
		out = append(out, p.path+": no package documentation (doc.go)")
	}
	return out
}

func (p pkg) imports(r rule, name string, f *ast.File) []string {
	var out []string
	for _, im := range f.Imports {
		target := strings.Trim(im.Path.Value, `"`)
		ours, isOurs := strings.CutPrefix(target, "sekimori/")
		product := !strings.HasPrefix(p.path, "firmware-sim")
		switch {
		case target == "os/exec" && product:
			out = append(out, name+": os/exec in the product")
		case slices.Contains(r.never, target):
			out = append(out, fmt.Sprintf("%s: %s may not import %s", name, p.path, target))
		case isOurs && !allowed(r, ours):
			out = append(out, fmt.Sprintf("%s: %s may not import %s", name, p.path, ours))
		}
	}
	return out
}

func allowed(r rule, ours string) bool {
	for _, n := range r.not {
		if matches(n, ours) {
			return false
		}
	}
	for _, m := range r.may {
		if matches(m, ours) {
			return true
		}
	}
	return false
}

func (p pkg) sizes(name string, f *ast.File) []string {
	var out []string
	if n := p.fset.File(f.Pos()).LineCount(); n > maxFile && sizeExceptions[name] == "" {
		out = append(out, fmt.Sprintf("%s: %d lines, more than %d", name, n, maxFile))
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		n := p.fset.Position(fn.End()).Line - p.fset.Position(fn.Pos()).Line + 1
		if n > maxFunction && sizeExceptions[name+":"+fn.Name.Name] == "" {
			out = append(out, fmt.Sprintf("%s: func %s has %d lines, more than %d", name, fn.Name.Name, n, maxFunction))
		}
	}
	return out
}

// impurities finds what a deciding package must not have: a goroutine, or a
// clock of its own.
func (p pkg) impurities(name string, f *ast.File) []string {
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			out = append(out, name+": a goroutine in a pure package")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "After", "NewTimer", "Tick", "NewTicker", "AfterFunc", "Sleep"}, n.Sel.Name) {
				out = append(out, name+": time."+n.Sel.Name+" in a pure package")
			}
		}
		return true
	})
	return out
}
