package policy

import "strings"

// question is a point that the regulation leaves open. The rulebook chooses a
// reading by name; absent, the first built one holds. A reading that is known
// but not built is refused by name, so that nobody believes it in force.
type question struct {
	key     string
	article string
	words   Words
	built   []reading
	unbuilt []string
}

type reading struct {
	name  string
	words Words
}

var questions = [...]question{
	{"exit_permission", "6-3-2", Words{"退室にも都度許可が要るか", "does each exit need a permission"},
		[]reading{{"round_trip", Words{"一つの許可で入室と退室の一往復", "one permission covers one entry and its exit"}}},
		[]string{"each_nonblocking"}},
	{"exit_auth", "6-3-1", Words{"機械室の退室時の生体認証", "biometrics on leaving the machine room"},
		[]reading{
			{"biometric_expected", Words{"内側でも照合する。レバーハンドルは常に開く", "matched inside too; the handle always opens"}},
			{"card", Words{"退室はカードのみ", "the badge alone on the way out"}},
		}, []string{"rex_only"}},
	{"deputy", "6-2", Words{"不在時の代決", "may a deputy decide"},
		[]reading{{"none", Words{"代決なし(管理者本人のみ)", "no deputy: the holder of the post only"}}},
		[]string{"daiketsu", "standing"}},
	{"needs_escort", "6-5", Words{"立会いを要する者", "who needs an escort"},
		[]reading{{"every_non_employee", Words{"市の職員以外は目的を問わず全員。会計年度任用職員は職員、派遣は職員以外",
			"every non-employee, whatever the purpose; fixed-term staff are employees, dispatched workers are not"}}},
		[]string{"by_category"}},
	{"offline_permission", "6-3-2", Words{"管理者に連絡できないとき", "the manager cannot be reached"},
		[]reading{{"deny", Words{"許可がなければ入室不可", "no permission, no entry"}}},
		[]string{"local_approver"}},
	{"visitor_machine_room", "6-3-1", Words{"市の職員以外の者の機械室での生体認証", "biometrics of an outsider in the machine room"},
		[]reading{{"refused", Words{"立会いの仕組みができるまで入室不可", "refused while no escort can be recorded"}}},
		[]string{"enrol", "escort_authenticates"}},
	{"bio_fallback", "6-3-1", Words{"指が読めない者", "a finger that cannot be read"},
		[]reading{{"none", Words{"代替なし", "no fallback"}}},
		[]string{"exception", "card_pin"}},
	{"self_permission", "6-2", Words{"管理者自身の入室", "the manager enters his own place"},
		[]reading{{"flagged", Words{"認め、自己許可として記録する", "allowed, and flagged as self-permitted"}}},
		[]string{"deny"}},
	{"shift_permit", "6-3-2", Words{"日中常駐者への包括許可", "a blanket permission for a shift"},
		[]reading{{"off", Words{"なし(都度許可のみ)", "none: each entry is permitted"}}},
		[]string{"on"}},
	{"portal", "6-2", Words{"扉のない設置場所", "a place without a door"},
		[]reading{{"door", Words{"扉と錠がある", "a door with a lock"}}},
		[]string{"none"}},
	{"emergency_permits", "6-3", Words{"緊急退室後の許可", "permissions after an emergency exit"},
		[]reading{{"closed", Words{"すべて終了し、再入室には新たな許可", "all closed: going back in needs a new one"}}},
		[]string{"keep"}},
	{"emergency_entry", "6-1", Words{"緊急時の入室", "entry in an emergency"},
		[]reading{{"key", Words{"封印した鍵で開け、鍵開けとして記録", "the sealed key, recorded as opened by key"}}},
		[]string{"order", "post_hoc"}},
	{"duress", "6-1", Words{"脅迫時の合図", "a sign of duress"},
		[]reading{{"off", Words{"なし", "none"}}},
		[]string{"silent", "deny"}},
}

// Reading tells which reading of an open question is in force, by the
// question's key; "" for a key that is none.
func (rb *Rulebook) Reading(key string) string {
	if rb == nil {
		return ""
	}
	for i := range questions {
		if questions[i].key == key {
			return rb.readings[i]
		}
	}
	return ""
}

// OpenQuestion is one open question of the regulation and the reading in
// force, in words.
type OpenQuestion struct {
	Key, Article string
	Question     Words
	Chosen       string
	Meaning      Words
}

// OpenQuestions lists the open questions with the readings in force.
func (rb *Rulebook) OpenQuestions() []OpenQuestion {
	out := make([]OpenQuestion, 0, len(questions))
	for i := range questions {
		q := &questions[i]
		o := OpenQuestion{Key: q.key, Article: q.article, Question: q.words, Chosen: rb.Reading(q.key)}
		for _, r := range q.built {
			if r.name == o.Chosen {
				o.Meaning = r.words
			}
		}
		out = append(out, o)
	}
	return out
}

func checkReadings(c *complaints, chosen map[string]string) (out [len(questions)]string) {
	known := make(map[string]bool, len(questions))
	for i := range questions {
		q := &questions[i]
		known[q.key] = true
		name, given := chosen[q.key]
		if !given {
			out[i] = q.built[0].name
			continue
		}
		out[i] = q.choose(c, name)
	}
	for _, key := range sortedKeys(chosen) {
		if !known[key] {
			c.add(at("readings", key), "is no open question of the regulation")
		}
	}
	return out
}

func (q *question) choose(c *complaints, name string) string {
	var built []string
	for _, r := range q.built {
		if r.name == name {
			return name
		}
		built = append(built, r.name)
	}
	for _, u := range q.unbuilt {
		if u == name {
			c.add(at("readings", q.key), "the reading %q is not built (built: %s)", name, strings.Join(built, ", "))
			return ""
		}
	}
	c.add(at("readings", q.key), "%q is not a reading of this question (built: %s)", name, strings.Join(built, ", "))
	return ""
}
