package broker

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// Prefix of every topic; the door's id and the kind of message follow.
const Prefix = "sekimori/v1"

// Up are the kinds that a door publishes, Down those that it listens to.
var (
	Up   = []string{"events", "state", "requests", "checkpoints"}
	Down = []string{"orders", "acks", "replay"}
)

// HeadEnd is the certificate name (CN) of the collector and the consoles. Every
// other name is a door's id.
const HeadEnd = "collector"

// Rule allows one identity one direction on the topics of one pattern.
type Rule struct {
	Identity string // a certificate's CN; "" for everybody, with %u in Pattern
	Write    bool   // publish, as against subscribe
	Pattern  string // an MQTT filter in which %u stands for the identity
}

// Rules are what deploy/mosquitto/acl says: a door reaches its own topics only,
// each in its own direction; the head end reaches every door's, the other way
// round.
func Rules() []Rule {
	var out []Rule
	for _, k := range Up {
		out = append(out, Rule{Write: true, Pattern: Prefix + "/%u/" + k})
	}
	for _, k := range Down {
		out = append(out, Rule{Pattern: Prefix + "/%u/" + k})
	}
	for _, k := range Up {
		out = append(out, Rule{Identity: HeadEnd, Pattern: Prefix + "/+/" + k})
	}
	for _, k := range Down {
		out = append(out, Rule{Identity: HeadEnd, Write: true, Pattern: Prefix + "/+/" + k})
	}
	return out
}

// allows tells whether an identity may publish to a topic or subscribe to a
// filter.
func allows(rules []Rule, identity string, write bool, topic string) bool {
	if identity == "" || strings.ContainsAny(identity, "/+#") {
		return false // it would change the meaning of a pattern
	}
	for _, r := range rules {
		if r.Write != write || (r.Identity != "" && r.Identity != identity) {
			continue
		}
		if covers(strings.ReplaceAll(r.Pattern, "%u", identity), topic) {
			return true
		}
	}
	return false
}

// covers tells whether every topic that filter matches is matched by pattern
// too (MQTT 3.1.1 §4.7). A topic is a filter that matches itself.
func covers(pattern, filter string) bool {
	p, f := strings.Split(pattern, "/"), strings.Split(filter, "/")
	for i, level := range p {
		switch {
		case level == "#":
			return true
		case i >= len(f), f[i] == "#":
			return false
		case level == "+", level == f[i] && f[i] != "+":
		default:
			return false
		}
	}
	return len(p) == len(f)
}

// matches tells whether a topic lies under a subscription's filter. Topics that
// begin with '$' are out of reach of a leading wildcard (§4.7.2).
func matches(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	// "a/#" also matches "a" itself.
	return covers(filter, topic) || strings.TrimSuffix(filter, "/#") == topic
}

// validFilter holds a filter against §4.7.1.
func validFilter(f string) bool {
	levels := strings.Split(f, "/")
	for i, l := range levels {
		if strings.ContainsAny(l, "#") && (l != "#" || i != len(levels)-1) {
			return false
		}
		if strings.Contains(l, "+") && l != "+" {
			return false
		}
	}
	return f != "" && len(f) <= 65535
}

// identity of a TLS peer: its certificate's CN.
func identityOf(c *tls.Conn) (string, error) {
	certs := c.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return "", fmt.Errorf("no client certificate")
	}
	return certs[0].Subject.CommonName, nil
}
