package daemon_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/controller/event"
	"sekimori/drivers/card"
	"sekimori/firmware-sim/rig"
)

// capture keeps every message that reached the broker, with its topic.
type capture struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (c *capture) take(identity, topic string, payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(&c.all, "%s %s %s\n", identity, topic, payload)
}

func (c *capture) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.all.Bytes())
}

// TestP12BodiesStayPrivate lives through a whole day at a door, faults among
// it, with the log at its most talkative. No credential number, template, key
// or password, and no name, is in the log, in a message to the broker, or in
// an event; no template is in any file.
func TestP12BodiesStayPrivate(t *testing.T) {
	if !alone(t) { // one of the faults is a full disk
		return
	}
	var wire capture
	onStageWith(t, func(r *rig.Bench) { r.OnPublish(wire.take) }, func(s *stage) {
		secrets := s.secrets()
		s.enrols("s-016")
		s.enters("10038", "s-016")
		s.enters(badge, person)
		for _, strange := range []string{"54321", "10099", "10031"} { // unknown, nobody's, stolen
			s.do("badge entry " + strange)
			s.rest(3 * time.Second)
		}
		s.do("badge entry " + badge)
		s.shows("entry", "finger", 3*time.Second)
		s.do("finger entry stranger")
		s.rest(8 * time.Second)
		s.do("order enroll s-016") // a finger that is stored already
		s.shows("entry", "place-finger", 3*time.Second)
		s.do("finger entry s-016")
		s.rest(65 * time.Second)
		s.do("reader entry swap")
		s.rest(5 * time.Second)
		s.do("sensor exit swap")
		s.rest(15 * time.Second)
		s.do("order erase "+person2, "disk full")
		s.do("badge exit " + badge2)
		s.rest(3 * time.Second)
		s.do("disk free", "broker stop")
		s.rest(5 * time.Second)
		s.do("broker start", "daemon kill", "daemon start")
		s.rest(8 * time.Second)
		remove(s, filepath.Join(s.root, door, "badge-entry.key"))
		s.do("daemon stop", "daemon start") // ends with an error, which names the file
		s.rest(time.Second)
		_, ended := s.rig.Alive(door)
		if ended == nil {
			t.Fatal("the daemon started without a reader's key")
		}
		s.rig.Bury(door)

		events := bytes.Join(s.bodies(), []byte("\n"))
		if n := s.count(0, is(event.AccessDenied)); n < 4 {
			t.Fatalf("%d refusals only: the day proves nothing", n)
		}
		for name, text := range map[string][]byte{
			"the log": []byte(s.logged()), "the broker": wire.bytes(), "the ledger": events, "the error": []byte(ended.Error()),
		} {
			if name != "the error" && len(text) < 2000 {
				t.Fatalf("%s is almost empty: nothing is proved", name)
			}
			for _, x := range secrets {
				if i := x.in(text); i >= 0 {
					t.Errorf("%s is in %s: …%s…", x.what, name, text[max(0, i-80):min(len(text), i+60)])
				}
			}
		}
		s.noTemplateOnDisk()
	})
}

// secret is something that must never be seen, in any spelling that a careless
// line would use.
type secret struct {
	what      string
	number    *regexp.Regexp
	spellings [][]byte
}

// in gives where the secret stands in a text, or -1.
func (x secret) in(text []byte) int {
	if x.number != nil {
		if found := x.number.FindIndex(text); found != nil {
			return found[0]
		}
		return -1
	}
	lower := bytes.ToLower(text)
	for _, sp := range x.spellings {
		if i := bytes.Index(text, sp); i >= 0 {
			return i
		}
		if i := bytes.Index(lower, sp); i >= 0 {
			return i
		}
	}
	return -1
}

// spelled is a secret of bytes: as they are, in hexadecimal, in base64, and as
// package fmt prints a slice.
func spelled(what string, b []byte) secret {
	list := strings.Trim(fmt.Sprint(b), "[]")
	return secret{what: what, spellings: [][]byte{
		b, []byte(hex.EncodeToString(b)), []byte(strings.TrimRight(base64.StdEncoding.EncodeToString(b), "=")),
		[]byte("[" + list), []byte("[" + strings.ReplaceAll(list, " ", ",")), []byte(strings.ReplaceAll(list, " ", ", ")),
	}}
}

func (s *stage) secrets() []secret {
	s.Helper()
	var out []secret
	for _, number := range []string{badge, badge2, "10038", "54321", "10099", "10031"} {
		// Digits inside a longer number or inside a hash are chance.
		out = append(out, secret{what: "badge number " + number, number: regexp.MustCompile(`(^|[^0-9A-Za-z.:+-])` + number + `($|[^0-9A-Za-z])`)})
		raw, _, err := card.H10301.Encode(number)
		if err != nil {
			s.Fatal(err)
		}
		out = append(out, spelled("raw bits of badge "+number, raw))
	}
	err := filepath.WalkDir(filepath.Join(s.root, door), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".key") && !strings.HasSuffix(path, "door-key.pem") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		what, text := "what is in "+filepath.Base(path), strings.TrimSpace(string(b))
		if strings.Contains(text, "PRIVATE KEY") {
			out = append(out, secret{what: what, spellings: [][]byte{[]byte("PRIVATE KEY"), []byte(strings.Split(text, "\n")[1])}})
			return nil
		}
		raw, err := hex.DecodeString(text)
		out = append(out, spelled(what, raw))
		return err
	})
	if err != nil || len(out) != 2*6+7 { // two readers, two sensors, box, tags, TLS
		s.Fatalf("%d secrets: %v", len(out), err)
	}
	out = append(out, spelled("a template", []byte("sim1"))) // how every template of these modules begins
	for _, name := range []string{"髙橋", "﨑子", "たかはし", "伊藤", "さくら"} {
		out = append(out, secret{what: "a name", spellings: [][]byte{[]byte(name)}})
	}
	return out
}

// noTemplateOnDisk looks through every file of the door.
func (s *stage) noTemplateOnDisk() {
	s.Helper()
	looked := 0
	err := filepath.WalkDir(s.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		looked++
		if bytes.Contains(b, []byte("sim1")) || bytes.Contains(b, []byte(hex.EncodeToString([]byte("sim1")))) {
			s.Errorf("a template is in %s", path)
		}
		return nil
	})
	if err != nil || looked < 10 {
		s.Errorf("%d files looked through: %v", looked, err)
	}
	synctest.Wait()
}
