package policy

import "time"

// RulebookData is a rulebook as written, before it is checked. Its zero value
// is not a legal rulebook: what decides who may pass has no default.
type RulebookData struct {
	Regulation        string `toml:"regulation" json:"regulation"`                 // the regulation's title
	RegulationVersion string `toml:"regulation_version" json:"regulation_version"` // the version that the records name
	DecidedBy         string `toml:"decided_by" json:"decided_by"`                 // who decided this rulebook, by what act

	// TimeZone names the zone of hours, days and holidays. "Asia/Tokyo" (the
	// default) is built in; for any other the decoder sets Location too.
	TimeZone string         `toml:"time_zone" json:"time_zone,omitzero"`
	Location *time.Location `toml:"-" json:"-"`

	// RosterStaleAfter is how old a roster may grow (0: never stale);
	// RosterStale is what then happens: "warn" (default) or "deny".
	RosterStaleAfter Span   `toml:"roster_stale_after" json:"roster_stale_after,omitzero"`
	RosterStale      string `toml:"roster_stale" json:"roster_stale,omitzero"`

	Clock    ClockData         `toml:"clock" json:"clock,omitzero"`
	Lockout  LockoutData       `toml:"lockout" json:"lockout,omitzero"`
	Finger   FingerData        `toml:"finger" json:"finger,omitzero"`
	Permits  PermitLimitData   `toml:"permits" json:"permits"`
	Holidays HolidayData       `toml:"holidays" json:"holidays"`
	Readings map[string]string `toml:"readings" json:"readings,omitzero"`
	Places   []PlaceData       `toml:"places" json:"places"`
}

// ClockData says when the clock is trusted and what an untrusted one does.
type ClockData struct {
	Untrusted      string `toml:"untrusted" json:"untrusted,omitzero"`             // "deny" (default) or "standing"
	OffsetAlarm    Span   `toml:"offset_alarm" json:"offset_alarm,omitzero"`       // 5 s; 1 s to 60 s
	UntrustedAbove Span   `toml:"untrusted_above" json:"untrusted_above,omitzero"` // 60 s; at least offset_alarm, at most 10 m
	SyncWithin     Span   `toml:"sync_within" json:"sync_within,omitzero"`         // 24 h; 1 m to 30 d
}

// LockoutData is the block of a credential after mismatches.
type LockoutData struct {
	Mismatches int  `toml:"mismatches" json:"mismatches,omitzero"` // 5; 3 to 10
	Block      Span `toml:"block" json:"block,omitzero"`           // 5 m; 10 s to 24 h
}

// FingerData is how a capture is repeated.
type FingerData struct {
	Unreadable int `toml:"unreadable" json:"unreadable,omitzero"` // captures without a usable image that end an attempt: 3; 1 to 10
}

// PermitLimitData bounds prior permits.
type PermitLimitData struct {
	// FiscalYearEnd ends an employee's permit with 31 March of the fiscal
	// year in which it began. Absent is true.
	FiscalYearEnd *bool `toml:"fiscal_year_end" json:"fiscal_year_end,omitzero"`
	// MaxDays bounds a permit's length, 0 to 3660; 0: no bound of its own.
	MaxDays int `toml:"max_days" json:"max_days,omitzero"`
}

// HolidayData says which days count as holidays.
type HolidayData struct {
	National string      `toml:"national" json:"national"`          // "japan" or "none"
	YearEnd  bool        `toml:"year_end" json:"year_end,omitzero"` // 29 December to 3 January
	From     int         `toml:"from" json:"from,omitzero"`         // first year for which the calendar is vouched for
	To       int         `toml:"to" json:"to,omitzero"`             // last year
	Extra    []ExtraData `toml:"extra" json:"extra,omitzero"`       // further days
}

// ExtraData is one further closing day.
type ExtraData struct {
	Date string `toml:"date" json:"date"` // 2026-11-24
	Name string `toml:"name" json:"name"`
}

// PlaceData is one place of Article 6-2.
type PlaceData struct {
	ID      PlaceID `toml:"id" json:"id"`
	Ja      string  `toml:"ja" json:"ja"`
	En      string  `toml:"en" json:"en"`
	Article string  `toml:"article" json:"article"` // where the regulation names it, "6-2-1"
	// Post manages the place (入退室管理者); PostJa and PostEn are the
	// regulation's own words for it, for the printed table.
	Post         PostID      `toml:"post" json:"post"`
	PostJa       string      `toml:"post_ja" json:"post_ja"`
	PostEn       string      `toml:"post_en" json:"post_en"`
	AntiPassback string      `toml:"anti_passback" json:"anti_passback,omitzero"` // "off", "soft" (default) or "hard"
	Entry        SideData    `toml:"entry" json:"entry"`
	Exit         SideData    `toml:"exit" json:"exit"`
	Timings      TimingsData `toml:"timings" json:"timings,omitzero"`
}

// SideData is what one side of a doorway requires.
type SideData struct {
	Permit  string   `toml:"permit" json:"permit,omitzero"` // entry: "prior", "each-time" or "none"; exit: absent
	Factors []string `toml:"factors" json:"factors"`        // "badge", or "badge" and "finger"
	Wire    string   `toml:"wire" json:"wire,omitzero"`     // least: "open" or "secured"; required on entry
	Proof   string   `toml:"proof" json:"proof,omitzero"`   // least: "clonable", "reader_asserted" or "authenticated"; required on entry
}
