package story

import "time"

// Entry is one line of a transcript.
type Entry struct {
	At     time.Duration // since the start of the story
	Line   int           // of the story; 0 for an observation
	Door   string
	Column Column
	Text   string
	Level  bool // a state: a level, shown only where it was asked for
	Mark   Mark
	Late   time.Duration // by how much, of the mark Late
}

// Column is where an entry stands.
type Column uint8

// The columns, and the narration that spans them.
const (
	Narration  Column = iota
	People            // what people do
	Reader            // what the readers show
	Door              // what the bolt does and the ledger says
	Subscriber        // what a subscriber at the broker receives
)

// Mark is what an expectation made of an observation.
type Mark uint8

// Marks.
const (
	Unmarked Mark = iota
	Met           // taken by "<"
	Late          // taken, after its deadline
	Failed        // forbidden by "!"
)

var columnOf = map[Channel]Column{
	Show: Reader, Lock: Door, Ledger: Door, Event: Subscriber, Request: Subscriber, State: Subscriber,
}

// tell appends an entry that is no observation, and passes all on.
func (p *player) tell(e Entry) {
	e.At = time.Since(p.start)
	p.result.Entries = append(p.result.Entries, e)
	p.pass()
}

// show turns new observations into entries, and passes all on.
func (p *player) show() {
	for _, s := range p.record.since(p.next) {
		text := s.brief()
		if s.Channel != Event && s.Channel != Show {
			text = s.Channel.String() + " " + text
		}
		p.shown[s.index] = len(p.result.Entries)
		p.result.Entries = append(p.result.Entries, Entry{
			At: s.At.Sub(p.start), Door: s.Door, Column: columnOf[s.Channel], Text: text, Level: s.Channel == State,
		})
		p.next = s.index + 1
	}
	p.pass()
}

func (p *player) pass() {
	if fresh := p.result.Entries[p.told:]; p.watch != nil && len(fresh) > 0 {
		p.told = len(p.result.Entries)
		p.watch(fresh)
	}
}
