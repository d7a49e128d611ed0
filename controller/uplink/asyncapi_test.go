package uplink

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sekimori/controller/event"
	"sekimori/firmware-sim/broker"
)

// outline reads the YAML that deploy/asyncapi.yaml is written in: nested
// mappings by two spaces, one key a line. It gives each path with its scalar;
// folded texts and lists are left as they are.
func outline(t *testing.T, path string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var at []string
	folded := -1 // indent of a folded text's key
	for n, line := range strings.Split(string(b), "\n") {
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		if text == "" || text[0] == '#' || (folded >= 0 && indent > folded) {
			continue
		}
		folded = -1
		key, value, ok := strings.Cut(text, ":")
		if !ok || indent%2 != 0 || indent/2 > len(at) {
			t.Fatalf("%s:%d: not a key two spaces deeper: %q", path, n+1, line)
		}
		value = strings.TrimSpace(value)
		if value == ">-" {
			folded = indent
		}
		at = append(at[:indent/2], key)
		name := strings.Join(at, "/")
		if _, twice := out[name]; twice {
			t.Fatalf("%s:%d: %s stands twice", path, n+1, name)
		}
		out[name] = value
	}
	return out
}

// children gives the keys below a path.
func children(doc map[string]string, path string) []string {
	var out []string
	for p := range doc {
		if rest, ok := strings.CutPrefix(p, path+"/"); ok && !strings.Contains(rest, "/") {
			out = append(out, rest)
		}
	}
	slices.Sort(out)
	return out
}

// jsonFields gives the names of a struct's JSON fields, and those that are
// always there.
func jsonFields(v any) (all, always []string) {
	typ := reflect.TypeOf(v)
	for f := range typ.Fields() {
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, name)
		if !strings.Contains(opts, "omit") {
			always = append(always, name)
		}
	}
	slices.Sort(all)
	slices.Sort(always)
	return all, always
}

// TestAsyncAPI holds the shipped description against topics and fields in code.
func TestAsyncAPI(t *testing.T) {
	doc := outline(t, "../../deploy/asyncapi.yaml")
	up := []string{topicEvents, topicState, topicRequests, topicCheckpoints}
	down := []string{topicOrders, topicAcks, topicReplay}
	want := slices.Sorted(slices.Values(slices.Concat(up, down)))
	if got := children(doc, "channels"); !slices.Equal(got, want) {
		t.Errorf("channels %v, in code %v", got, want)
	}
	for _, kind := range want {
		if got, want := doc["channels/"+kind+"/address"], topic("{door}", kind); got != want {
			t.Errorf("address %q, in code %q", got, want)
		}
		op, action := "send", "send"
		if slices.Contains(down, kind) {
			op, action = "receive", "receive"
		}
		op += strings.ToUpper(kind[:1]) + kind[1:]
		if got := doc["operations/"+op+"/action"]; got != action {
			t.Errorf("operation %s: action %q, want %q", op, got, action)
		}
		if got := doc["operations/"+op+"/channel/$ref"]; got != "'#/channels/"+kind+"'" {
			t.Errorf("operation %s is on channel %s", op, got)
		}
	}
	if got := children(doc, "operations"); len(got) != len(want) {
		t.Errorf("operations %v", got)
	}
	for name, v := range map[string]any{
		"messages/event/payload": event.Event{}, "messages/forgotten/payload": forgotten{}, "messages/state/payload": State{},
		"messages/request/payload": Request{}, "messages/ack/payload": Ack{}, "messages/replay/payload": Replay{},
		"schemas/finding": event.Finding{},
	} {
		path := "components/" + name
		all, always := jsonFields(v)
		if got := children(doc, path+"/properties"); !slices.Equal(got, all) {
			t.Errorf("%s has %v, in code %v", path, got, all)
		}
		required := strings.Split(strings.Trim(doc[path+"/required"], "[]"), ", ")
		slices.Sort(required)
		if !slices.Equal(required, always) {
			t.Errorf("%s requires %v, in code %v", path, required, always)
		}
	}
}

// TestTopicsAreTheBrokersRules: what the rigs' brokers allow is what the code
// uses.
func TestTopicsAreTheBrokersRules(t *testing.T) {
	if prefix != broker.Prefix+"/" {
		t.Errorf("prefix %q and %q", prefix, broker.Prefix)
	}
	if !slices.Equal(broker.Up, []string{topicEvents, topicState, topicRequests, topicCheckpoints}) ||
		!slices.Equal(broker.Down, []string{topicOrders, topicAcks, topicReplay}) {
		t.Errorf("the rigs' topics differ: %v, %v", broker.Up, broker.Down)
	}
}
