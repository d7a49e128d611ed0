package policy

import "fmt"

// RosterData is a roster as written, before it is checked. Lists may come in
// any order; [Roster.Data] gives them back sorted.
type RosterData struct {
	Persons []PersonData `toml:"persons" json:"persons"`
	Badges  []BadgeData  `toml:"badges" json:"badges"`
	Fingers []FingerPage `toml:"fingers" json:"fingers"`
	Posts   []PostData   `toml:"posts" json:"posts"`
	Tenures []TenureData `toml:"tenures" json:"tenures"`
	Permits []PermitData `toml:"permits" json:"permits"`
}

// Category says whether a person is 市の職員 (Article 6-5).
type Category string

// The categories. The first two are employees of the city (会計年度任用職員 are
// local public employees); the others are not and need an escort.
const (
	Employee    Category = "employee"
	FixedTerm   Category = "fixed_term"
	Dispatched  Category = "dispatched"
	NonEmployee Category = "non_employee"
)

// Standing is a person's standing with the city. Only an active person enters.
type Standing string

// The standings.
const (
	Active    Standing = "active"
	Suspended Standing = "suspended"
	Left      Standing = "left"
)

// PersonData is one person. From (inclusive) and To (exclusive) bound the time
// in which an active person is one; 0 leaves that end open.
type PersonData struct {
	ID          PersonID `toml:"id" json:"id"`
	Name        string   `toml:"name" json:"name"`
	Kana        string   `toml:"kana" json:"kana,omitzero"`
	Affiliation string   `toml:"affiliation" json:"affiliation,omitzero"`
	Category    Category `toml:"category" json:"category"`
	Standing    Standing `toml:"standing" json:"standing"`
	From        Stamp    `toml:"from" json:"from,omitzero"`
	To          Stamp    `toml:"to" json:"to,omitzero"`
	Extended    bool     `toml:"extended" json:"extended,omitzero"` // needs the longer timings
}

// BadgeState is what was reported about a badge.
type BadgeState string

// The states of a badge.
const (
	BadgeActive   BadgeState = "active"
	BadgeDisabled BadgeState = "disabled"
	BadgeLost     BadgeState = "lost"
	BadgeStolen   BadgeState = "stolen"
	BadgeDamaged  BadgeState = "damaged"
)

// BadgeData is one badge. Person is "" while it is assigned to nobody. From is
// inclusive, To exclusive; 0 leaves that end open.
type BadgeData struct {
	ID     BadgeID    `toml:"id" json:"id"`
	Number string     `toml:"number" json:"number"` // canonical credential number; secret-like
	Person PersonID   `toml:"person" json:"person,omitzero"`
	State  BadgeState `toml:"state" json:"state"`
	From   Stamp      `toml:"from" json:"from,omitzero"`
	To     Stamp      `toml:"to" json:"to,omitzero"`
}

// String and GoString withhold the number: whoever reads a log must not be
// able to copy the badge (P12).
func (b BadgeData) String() string {
	return fmt.Sprintf("badge %s of %q (%s, number withheld)", b.ID, b.Person, b.State)
}

// GoString is String.
func (b BadgeData) GoString() string { return b.String() }

// FingerPage says that a page of the sensors' libraries holds a finger of this
// person. A page holds one finger.
type FingerPage struct {
	Person     PersonID `toml:"person" json:"person"`
	Page       uint16   `toml:"page" json:"page"`
	EnrolledAt Stamp    `toml:"enrolled_at" json:"enrolled_at"`
}

// PostData is one post (職). Which places it manages is the rulebook's.
type PostData struct {
	ID PostID `toml:"id" json:"id"`
	Ja string `toml:"ja" json:"ja"`
	En string `toml:"en" json:"en"`
}

// TenureData says that a person holds a post from From (inclusive) to To
// (exclusive; 0: until further notice).
type TenureData struct {
	Post   PostID   `toml:"post" json:"post"`
	Person PersonID `toml:"person" json:"person"`
	From   Stamp    `toml:"from" json:"from"`
	To     Stamp    `toml:"to" json:"to,omitzero"`
	// As is "" or "holder". "acting" and "deputy" are reserved and refused.
	As string `toml:"as" json:"as,omitzero"`
}

// PermitData is one prior permission (事前許可, Article 6-3-1): Approver, as
// holder of Post, permitted Person to enter Place from From (inclusive) to To
// (exclusive), on Days within Hours.
type PermitData struct {
	ID         PermitID `toml:"id" json:"id"`
	Place      PlaceID  `toml:"place" json:"place"`
	Person     PersonID `toml:"person" json:"person"`
	Post       PostID   `toml:"post" json:"post"`
	Approver   PersonID `toml:"approver" json:"approver"`
	ApprovedAt Stamp    `toml:"approved_at" json:"approved_at"` // not after From
	From       Stamp    `toml:"from" json:"from"`
	To         Stamp    `toml:"to" json:"to"`
	Days       string   `toml:"days" json:"days,omitzero"`   // "mon-fri", "mon,wed"; "": every day
	Hours      string   `toml:"hours" json:"hours,omitzero"` // "09:00-17:00", "22:00-06:00"; "": the whole day
	Holidays   bool     `toml:"holidays" json:"holidays,omitzero"`
	Purpose    string   `toml:"purpose" json:"purpose"`
	RevokedAt  Stamp    `toml:"revoked_at" json:"revoked_at,omitzero"`
}
