package config

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"sekimori/policy"
)

// LoadRulebook reads and checks a rulebook; hash is the file's SHA-256, as
// config_changed records it.
func LoadRulebook(path string) (rb *policy.Rulebook, hash string, err error) {
	s, err := read(path)
	if err != nil {
		return nil, "", err
	}
	var data policy.RulebookData
	if err := s.decode(&data); err != nil {
		return nil, "", err
	}
	if zone, err := time.LoadLocation(data.TimeZone); err == nil && data.TimeZone != "" {
		data.Location = zone // of one that this box does not know, policy says so
	}
	rb, err = policy.NewRulebook(data)
	if err != nil {
		return nil, "", s.data(err)
	}
	if err := s.err(); err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(s.text)
	return rb, hex.EncodeToString(sum[:]), nil
}

// LoadRoster reads and checks a roster file.
func LoadRoster(path string) (policy.RosterData, error) {
	s, err := read(path)
	if err != nil {
		return policy.RosterData{}, err
	}
	return s.roster()
}

// ParseRoster checks the bytes of a roster file, as an import order carries
// them; name stands for the file in messages.
func ParseRoster(name string, text []byte) (policy.RosterData, error) {
	return (&source{name: name, text: text}).roster()
}

func (s *source) roster() (policy.RosterData, error) {
	var data policy.RosterData
	if err := s.decode(&data); err != nil {
		return policy.RosterData{}, err
	}
	if _, err := policy.NewRoster(data); err != nil {
		return policy.RosterData{}, s.data(err)
	}
	return data, s.err()
}
