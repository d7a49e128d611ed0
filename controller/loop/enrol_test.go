package loop

import (
	"testing"
	"testing/synctest"
	"time"

	"sekimori/controller/config"
	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/drivers"
	"sekimori/policy"
)

// TestP12TemplateStaysInMemory: the template goes from one sensor to the other
// and is wiped; neither ledger nor log ever sees it.
func TestP12TemplateStaysInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		end := w.start()
		w.commission()
		data, err := config.LoadRoster(hino + "roster.toml")
		if err != nil {
			t.Fatal(err)
		}
		data.Fingers = append(data.Fingers, policy.FingerPage{Person: "s-016", Page: 100, EnrolledAt: policy.StampOf(at)})
		ro, err := policy.NewRoster(data)
		if err != nil {
			t.Fatal(err)
		}
		state := map[string][]byte{"roster": []byte("{}")}
		act := door.Act{Kind: door.ActEnroll, Order: "o-1", Person: "s-016", Page: 100, Roster: ro}
		if !w.loop.Act(act, Extra{OrderID: "o-1", Order: []byte("signed"), State: state}) {
			t.Error("the order was not recorded")
		}
		time.Sleep(2 * time.Minute)
		if r := end(); r != nil {
			t.Fatal(r)
		}
		if !w.has(event.BiometricEnrolled) {
			t.Fatalf("not enrolled: %v", w.kinds())
		}
		if len(w.loop.templates) != 0 {
			t.Error("a template is still in memory")
		}
		var order, rows int
		for i, x := range w.extras {
			if x.OrderID == "o-1" {
				order++
			}
			if x.State["roster"] != nil {
				rows++
				if i == 0 {
					t.Error("the roster was in force before the enrolment was done")
				}
			}
		}
		if order != 1 || rows != 1 {
			t.Errorf("the order was kept %d times, the roster %d times; want once each", order, rows)
		}
	})
}

// TestP12TemplateNobodyAwaits: the outcome of an enrolment that was given up is
// wiped as soon as it is here, and also when the loop has ended.
func TestP12TemplateNobodyAwaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		end := w.start()
		w.commission()
		late := func() drivers.Template {
			tmpl := drivers.NewTemplate([]byte{9, 9})
			w.loop.Emit(drivers.Event{Source: "entry-finger", Body: drivers.EnrolResult{ID: 4242, Template: tmpl}})
			return tmpl
		}
		first := late()
		synctest.Wait()
		if first.Len() > 0 && first.Bytes()[0] != 0 || len(w.loop.templates) != 0 {
			t.Errorf("%d templates in memory, this one is %v", len(w.loop.templates), first.Bytes())
		}
		time.Sleep(time.Second)
		if r := end(); r != nil {
			t.Fatal(r)
		}
		if last := late(); last.Len() > 0 && last.Bytes()[0] != 0 {
			t.Error("a template that came after the end is still in memory")
		}
	})
}
