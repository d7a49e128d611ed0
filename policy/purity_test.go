package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowed is everything that the package may import. It is short on purpose:
// whatever reads a clock, a file or the network, locks or logs is not in it.
var allowed = []string{
	"cmp", "crypto/sha256", "encoding/binary", "encoding/hex", "encoding/json", "fmt", "hash", "maps",
	"math/bits", "slices", "strconv", "strings", "time", "unicode/utf8",
}

// impure names the functions of allowed packages that reach outside.
var impure = []string{
	"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc", "time.NewTimer", "time.NewTicker",
	"time.Tick", "time.Local", "time.LoadLocation", "fmt.Print", "fmt.Println", "fmt.Printf", "fmt.Scan", "fmt.Scanln",
}

// impurities lists what a file of the package does that it must not.
func impurities(f *ast.File) (out []string) {
	for _, i := range f.Imports {
		if p := strings.Trim(i.Path.Value, `"`); !slices.Contains(allowed, p) {
			out = append(out, "imports "+p)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			out = append(out, "starts a goroutine")
		case *ast.ChanType, *ast.SelectStmt, *ast.SendStmt:
			out = append(out, "uses a channel")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(impure, x.Name+"."+n.Sel.Name) {
				out = append(out, "uses "+x.Name+"."+n.Sel.Name)
			}
		}
		return true
	})
	return out
}

func TestPackageIsPure(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		seen++
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range impurities(f) {
			t.Errorf("%s %s", name, s)
		}
	}
	if seen < 10 {
		t.Fatalf("only %d files were found", seen)
	}
}

// TestPurityTestCatches tries the test above on bad samples.
func TestPurityTestCatches(t *testing.T) {
	for _, body := range []string{
		`import "os"`, `import "sync"`, `import "net/http"`, `import "log/slog"`, `import "sekimori/drivers"`,
		"import \"time\"\nvar x = time.Now()", "import \"time\"\nvar x, _ = time.LoadLocation(\"UTC\")",
		"func f() { go f() }", "var c chan int", "import \"fmt\"\nfunc f() { fmt.Println() }",
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "bad.go", "package policy\n"+body, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(impurities(f)) == 0 {
			t.Errorf("not caught: %s", body)
		}
	}
}
