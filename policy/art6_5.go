package policy

// Article 6, paragraph 5: whoever is not an employee of the city (市の職員以外
// の者) is escorted by an employee whom the manager instructed. Without an
// escort on record he does not enter, whatever the place and the purpose. On
// the way out nobody is held back; his going alone becomes a remark.

func (m *matter) isEmployee() bool {
	if m.person == nil {
		return false
	}
	switch categories[m.person.category] {
	case Employee, FixedTerm:
		return true
	default:
		return false
	}
}

// employee passes where nobody is known, which checks 3 and 4 say.
func employee(m matter) outcome { return passIf(m.person == nil || m.isEmployee()) }
