package broker

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestShippedACL: the rigs' brokers enforce what the shipped file says.
func TestShippedACL(t *testing.T) {
	f, err := os.Open("../../deploy/mosquitto/acl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []Rule
	user := ""
	for s := bufio.NewScanner(f); s.Scan(); {
		w := strings.Fields(s.Text())
		switch {
		case len(w) == 0 || strings.HasPrefix(w[0], "#"):
		case w[0] == "user" && len(w) == 2:
			user = w[1]
		case w[0] == "pattern" && len(w) == 3 && user == "":
			got = append(got, Rule{Write: w[1] == "write", Pattern: w[2]})
		case w[0] == "topic" && len(w) == 3 && user != "":
			got = append(got, Rule{Identity: user, Write: w[1] == "write", Pattern: w[2]})
		default:
			t.Fatalf("line %q is not understood", s.Text())
		}
	}
	if want := Rules(); !slices.Equal(got, want) {
		t.Errorf("the file says %v, the rigs enforce %v", got, want)
	}
}

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		identity string
		write    bool
		topic    string
		want     bool
	}{
		{"d1", true, "sekimori/v1/d1/events", true},
		{"d1", false, "sekimori/v1/d1/events", false},
		{"d1", true, "sekimori/v1/d2/events", false},
		{"d1", false, "sekimori/v1/d1/orders", true},
		{"d1", true, "sekimori/v1/d1/orders", false},
		{"d1", false, "sekimori/v1/+/orders", false},
		{"d1", false, "sekimori/v1/d1/#", false},
		{"d1", false, "#", false},
		{"+", false, "sekimori/v1/d1/orders", false},
		{"#", false, "sekimori/v1/d1/orders", false},
		{"", true, "sekimori/v1//events", false},
		{HeadEnd, false, "sekimori/v1/+/events", true},
		{HeadEnd, false, "sekimori/v1/d1/events", true},
		{HeadEnd, true, "sekimori/v1/d1/orders", true},
		{HeadEnd, false, "sekimori/v1/#", false},
		{HeadEnd, true, "sekimori/v1/d1/events", false},
	} {
		if got := allows(Rules(), c.identity, c.write, c.topic); got != c.want {
			t.Errorf("%q, write %v, %s: %v", c.identity, c.write, c.topic, got)
		}
	}
}

// TestMatches: the examples of MQTT 3.1.1 §4.7.
func TestMatches(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"sport/tennis/player1/#", "sport/tennis/player1", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
		{"sport/#", "sport", true},
		{"#", "a/b", true},
		{"sport/tennis/+", "sport/tennis/player1", true},
		{"sport/tennis/+", "sport/tennis/player1/ranking", false},
		{"sport/+", "sport", false},
		{"sport/+", "sport/", true},
		{"+/+", "/finance", true},
		{"/+", "/finance", true},
		{"+", "/finance", false},
		{"#", "$SYS/x", false},
		{"+/monitor/Clients", "$SYS/monitor/Clients", false},
		{"$SYS/#", "$SYS/x", true},
	} {
		if got := matches(c.filter, c.topic); got != c.want {
			t.Errorf("filter %s, topic %s: %v", c.filter, c.topic, got)
		}
	}
	for f, want := range map[string]bool{"a/+/b": true, "a/#": true, "#": true, "a+/b": false, "a#": false, "#/a": false, "": false} {
		if validFilter(f) != want {
			t.Errorf("filter %q: %v", f, !want)
		}
	}
}

// FuzzMatches: what a pattern covers, it matches.
func FuzzMatches(f *testing.F) {
	f.Add("a/+/b", "a/x/b", "a/x/b")
	f.Add("a/#", "a/+", "a/b")
	f.Fuzz(func(t *testing.T, pattern, filter, topic string) {
		if !validFilter(pattern) || !validFilter(filter) || strings.ContainsAny(topic, "+#$") || topic == "" {
			return
		}
		if covers(pattern, filter) && covers(filter, topic) && !covers(pattern, topic) {
			t.Fatalf("%q covers %q, which matches %q, which %q does not", pattern, filter, topic, pattern)
		}
	})
}
