package policy

import (
	"slices"
	"strings"
)

// column is where a requirement stands in the summary of a row.
type column uint8

const (
	columnNone column = iota
	columnWho
	columnWith
	columnBy
)

// Row is one side of one place in the printed table: who may pass, where, with
// what, allowed by whom, on which articles. It comes from the same checks that
// Judge runs.
type Row struct {
	Place    PlaceID
	Side     Side
	Where    Words
	Who      Words
	With     Words
	By       Words
	Articles []string // in the order of the checks, the place's own first
	Checks   []CheckRow
}

// CheckRow is one requirement of one side of one place.
type CheckRow struct {
	N       int
	Article string
	Reason  Reason
	Words   Words
	// Refuses: a failure refuses; otherwise it is granted and remarked.
	Refuses bool
	Needs   Evidence // what is asked for while it is missing
}

var sideWords = map[Side]Words{Entry: {"入室", "entry"}, Exit: {"退室", "exit"}}

// Table gives the rows of every place, entry before exit, sorted by place.
func Table(rb *Rulebook) []Row {
	var rows []Row
	for _, p := range rb.Places() {
		for _, s := range [...]Side{Entry, Exit} {
			rows = append(rows, tableRow(rb, &p, s))
		}
	}
	return rows
}

func tableRow(rb *Rulebook, p *Place, s Side) Row {
	row := Row{Place: p.ID, Side: s, Articles: []string{p.Article}}
	row.Where = Words{p.Words.Ja + " " + sideWords[s].Ja, p.Words.En + ", " + sideWords[s].En}
	words := placeWords(rb, p, s)
	for i := range checks {
		c := &checks[i]
		if !c.appliesTo(p, s) {
			continue
		}
		refuses := c.refuses(rb, p, s)
		row.Checks = append(row.Checks, CheckRow{c.n, c.article, c.reason, words(c.words), refuses, c.needs})
		if !refuses {
			continue
		}
		if !slices.Contains(row.Articles, c.article) {
			row.Articles = append(row.Articles, c.article)
		}
		row.summarise(c.column, words(c.brief))
	}
	if s == Exit {
		row.Who = Words{"本人と確認できた者(扉は内側から常に開く)", "whoever is identified (the handle inside always opens)"}
		row.By = Words{"許可不要", "no permission is asked"}
	} else if row.By == (Words{}) {
		row.By = Words{"許可の定めなし", "no permission is required"}
	}
	return row
}

func (r *Row) summarise(c column, w Words) {
	var to *Words
	join := Words{"+", " + "}
	switch c {
	case columnWho:
		to, join = &r.Who, Words{"の", " "}
	case columnWith:
		to = &r.With
	case columnBy:
		to = &r.By
	default:
		return
	}
	if *to != (Words{}) {
		w = Words{to.Ja + join.Ja + w.Ja, to.En + join.En + w.En}
	}
	*to = w
}

var (
	wireWords = map[Wire]Words{
		WireOpen: {"保護なし以上の配線", "open or better"}, WireSecured: {"暗号化・認証された配線", "encrypted and authenticated"},
	}
	proofWords = map[Proof]Words{
		ProofClonable: {"複製可能", "clonable"}, ProofReaderAsserted: {"読取機の申告", "asserted by the reader"},
		ProofAuthenticated: {"本体での鍵照合", "a key checked on this box"},
	}
)

// placeWords fills the words of the place and of the rulebook into a
// requirement.
func placeWords(rb *Rulebook, p *Place, s Side) func(Words) Words {
	side, term := p.Side(s), Words{}
	if rb.fiscalYear {
		term = Words{"(職員は遅くとも年度末3月31日まで)", " (for employees on 31 March at the latest)"}
	}
	wire, proof := wireWords[side.Wire], proofWords[side.Proof]
	ja := strings.NewReplacer("{post}", p.PostWords.Ja, "{wire}", wire.Ja, "{proof}", proof.Ja, "{term}", term.Ja)
	en := strings.NewReplacer("{post}", p.PostWords.En, "{wire}", wire.En, "{proof}", proof.En, "{term}", term.En)
	return func(w Words) Words { return Words{ja.Replace(w.Ja), en.Replace(w.En)} }
}
