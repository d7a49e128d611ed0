package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

func TestTableOfHino(t *testing.T) {
	rows := Table(hinoRules(t))
	if len(rows) != 8 {
		t.Fatalf("%d rows for four places", len(rows))
	}
	want := map[string][]string{
		"machine_room entry": {"在職中の市の職員(会計年度任用職員を含む)", "カード+指(生体認証)", "情報システム課長の事前許可", "6-2-1 6-1 6-5 6-3-1 6-2"},
		"machine_room exit":  {"本人と確認できた者(扉は内側から常に開く)", "カード+指(生体認証)", "許可不要", "6-2-1 6-1 6-3-1"},
		"terminal_toyoda entry": {"在職中の市の職員(会計年度任用職員を含む)", "カード", "市民窓口課長の都度許可",
			"6-2-4 6-1 6-5 6-3-2"},
		"terminal_nanao exit": {"本人と確認できた者(扉は内側から常に開く)", "カード", "許可不要", "6-2-3 6-1"},
	}
	for _, r := range rows {
		for _, w := range []Words{r.Where, r.Who, r.With, r.By} {
			if w.Ja == "" || w.En == "" {
				t.Errorf("%s %v: an empty cell in %+v", r.Place, r.Side, r)
			}
		}
		for _, c := range r.Checks {
			if strings.ContainsAny(c.Words.Ja+c.Words.En, "{}") {
				t.Errorf("%s %v: %q is not filled in", r.Place, r.Side, c.Words)
			}
			if r.Side == Exit && c.Refuses && !checks[c.N-1].identity {
				t.Errorf("%s exit: check %d refuses egress", r.Place, c.N)
			}
		}
		w, ok := want[string(r.Place)+" "+r.Side.String()]
		if got := []string{r.Who.Ja, r.With.Ja, r.By.Ja, strings.Join(r.Articles, " ")}; ok && !slices.Equal(got, w) {
			t.Errorf("%s %v:\n got %q\nwant %q", r.Place, r.Side, got, w)
		}
	}
	if Table(nil) != nil || Table(&Rulebook{}) != nil {
		t.Error("the zero rulebook has rows")
	}
}

// TestTableSaysWhatJudgeDoes: a failed check of any sentence stands in the row
// of its place and side as refusing, a remark as not refusing.
func TestTableSaysWhatJudgeDoes(t *testing.T) {
	refuses := func(rb *Rulebook, place PlaceID, n int) (refuses, found bool) {
		for _, r := range Table(rb) {
			if r.Place != place || r.Side != Entry {
				continue
			}
			for _, c := range r.Checks {
				if c.N == n {
					return c.Refuses, true
				}
			}
		}
		return false, false
	}
	for _, s := range sentences {
		var edits []func(*RulebookData)
		if s.rules != nil {
			edits = append(edits, s.rules)
		}
		rb, v := hinoRules(t, edits...), s.judge(t)
		a, now := &Attempt{Place: "machine_room", Side: Entry}, Instant{}
		if s.do != nil {
			s.do(a, &now)
		}
		if _, covered := rb.Place(a.Place); !covered || a.Side != Entry {
			continue
		}
		for _, f := range v.Failed() {
			if r, found := refuses(rb, a.Place, f.Check); !r || !found {
				t.Errorf("%s: the table does not show that check %d refuses", s.says, f.Check)
			}
		}
		for _, f := range v.Remarks() {
			if r, found := refuses(rb, a.Place, f.Check); r || !found {
				t.Errorf("%s: the table does not show that check %d remarks", s.says, f.Check)
			}
		}
	}
}

// reasonConstants parses reason.go, so that a reason without words is found.
func reasonConstants(t *testing.T) (out []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			out = append(out, strings.Trim(lit.Value, `"`))
		}
		return true
	})
	return out
}

func TestEveryReasonHasWords(t *testing.T) {
	constants := reasonConstants(t)
	if len(constants) != len(reasonWords) {
		t.Errorf("%d reasons, %d entries", len(constants), len(reasonWords))
	}
	for _, c := range constants {
		r := Reason(c)
		if r.entry() == nil {
			t.Errorf("%s has no words", r)
			continue
		}
		if w := r.Words(); w.Ja == "" || w.En == "" || w.Ja == c {
			t.Errorf("%s has the words %+v", r, w)
		}
	}
	if !slices.Equal(Reasons(), func() (out []Reason) {
		for _, c := range constants {
			out = append(out, Reason(c))
		}
		return out
	}()) {
		t.Error("the words stand in another order than the reasons")
	}
	for i := range checks {
		if !slices.Contains(Reasons(), checks[i].reason) {
			t.Errorf("check %d has the unlisted reason %s", i+1, checks[i].reason)
		}
	}
	if (Reason("NEW")).Words() != (Words{"NEW", "NEW"}) || Reason("NEW").Class(true) != ClassRefused {
		t.Error("an unknown reason is shown as something else")
	}
}

// TestStrangersSeeRefusedOrAgain: before every factor matched nothing else is
// ever shown, and what was reported about a badge is never shown at all.
func TestStrangersSeeRefusedOrAgain(t *testing.T) {
	for _, r := range Reasons() {
		c := r.Class(false)
		if c != ClassRefused && c != ClassAgain {
			t.Errorf("a stranger sees %v for %s", c, r)
		}
		if again := strings.HasPrefix(string(r), "FACTOR_") || r == IncorrectFactor; (c == ClassAgain) != again {
			t.Errorf("a stranger sees %v for %s", c, r)
		}
	}
	for _, r := range []Reason{Lost, Stolen, Disabled, Damaged, Lockout, Unassigned, UnknownCredential} {
		if r.Class(true) != ClassRefused {
			t.Errorf("whoever holds the badge learns of %s", r)
		}
	}
	for r, want := range map[Reason]string{NoPriorPermit: "refused-permit", OutOfTimeRange: "refused-time",
		OutOfService: "unavailable", IncorrectFactor: "again", Other: "refused"} {
		if got := r.Class(true).String(); got != want {
			t.Errorf("%s is shown as %s, want %s", r, got, want)
		}
	}
}
