package policy

// Article 6, paragraph 2: each place has one entry manager (入退室管理者), a
// post and not a person. Only whoever holds that post at that moment permits;
// the manager of another place does not.

// permitByManager passes where there is no permit at all, which check 21 says.
func permitByManager(m matter) outcome { return m.permitFree(faultApprover) }

// givenByManager tells whether a permit names the post that manages the place
// and its approver held that post when he approved.
func (m *matter) givenByManager(p *permit) bool {
	return PostID(m.ro.str(m.ro.posts[p.post].id)) == m.place.Post &&
		m.ro.holder(p.post, p.approvedAt) == p.approver
}
