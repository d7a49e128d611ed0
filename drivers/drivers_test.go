package drivers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestP12NothingOfABodyPrints tries every way a value usually leaks.
func TestP12NothingOfABodyPrints(t *testing.T) {
	template := NewTemplate([]byte("BIOMETRIC"))
	card := Card{Number: "12345678", Raw: []byte("BIOMETRIC")}
	for _, v := range []any{template, &template, card, &card, EnrolResult{Template: template}, Event{Body: card}} {
		var b bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U", "%T", "%o"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
		if j, err := json.Marshal(v); err == nil {
			b.Write(j)
		}
		for _, secret := range []string{"BIOMETRIC", "12345678", "42494f4d", "42494F4D", "66 73 79"} {
			if strings.Contains(b.String(), secret) {
				t.Errorf("%T prints %q", v, secret)
			}
		}
	}
	if template.Wipe(); template.Bytes()[0] != 0 {
		t.Error("wiping left something")
	}
	if n := (Template{}).Len(); n != 0 {
		t.Errorf("the zero template has %d bytes", n)
	}
}
