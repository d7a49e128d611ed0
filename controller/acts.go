package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sekimori/controller/config"
	"sekimori/controller/daemon"
	"sekimori/controller/event"
	"sekimori/controller/ledger"
	"sekimori/controller/order"
	"sekimori/policy"
)

// actFlags are common to every act on the box: a signed order is left in the
// inbox folder, and the ledger is followed until it says what became of it.
type actFlags struct {
	doorFlag
	Key    string        `required:"" placeholder:"FILE" help:"管理者の鍵 / the administrator's key"`
	Reason string        `placeholder:"TEXT" help:"理由(記録に残る。閉鎖・閉鎖解除・復帰・訂正には必要)/ why; it is recorded, and needed for lockdown, release, resecure and reset"`
	Wait   time.Duration `placeholder:"TIME" help:"結果を待つ時間(省略時30秒、指の登録は3分)/ how long to wait for the outcome; 30s, or 3m for an enrolment"`
	Role   string        `default:"administrator" enum:"administrator,automation" help:"鍵の資格 / the capacity in which the key signs (administrator, automation)"`
}

const (
	// validity is how long an order may wait in the inbox of a box that is down.
	validity = 24 * time.Hour
	// patience is how long a command waits for an outcome; a person at the
	// sensor needs longer.
	patience, enrolPatience = 30 * time.Second, 3 * time.Minute
)

// send signs, leaves and follows one order until an event of the kind end. What
// an order does at once stands in the record of its acceptance.
func (f actFlags) send(ctx context.Context, t terminal, d order.Document, payload []byte, end event.Kind) error {
	cfg, err := f.load()
	if err != nil {
		return err
	}
	key, err := order.ReadKey(f.Key)
	if err != nil {
		return err
	}
	now := time.Now()
	d.ID, d.Place, d.Doors = order.NewID(), cfg.Place, []string{cfg.ID}
	d.Capacity, d.Reason = order.Role(f.Role), f.Reason
	d.NotBefore, d.NotAfter = now.Add(-time.Minute).Truncate(time.Second), now.Add(validity).Truncate(time.Second)
	signed, err := order.Sign(d, payload, key)
	var wrong *order.Refusal
	if errors.As(err, &wrong) { // nobody has refused anything yet: it was typed wrong
		return coded{exitUsage, fmt.Errorf("no order can say this: %s", wrong.Detail)}
	}
	if err != nil {
		return err
	}
	book, err := ledger.OpenReader(ctx, daemon.LedgerDir(cfg))
	if err != nil {
		return ledgerFault(err)
	}
	defer book.Close()
	from, err := book.Newest(ctx)
	if err != nil {
		return err
	}
	if err := order.Put(daemon.InboxDir(cfg), signed); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "命令 %s を置きました / order left in the inbox\n", d.ID)
	if f.Wait == 0 {
		f.Wait = patience
	}
	ctx, cancel := context.WithTimeout(ctx, f.Wait)
	defer cancel()
	return follow(ctx, t, book, from+1, &outcome{door: cfg.ID, order: d.ID.String(), end: end})
}

// follow prints what the ledger says of an order until its outcome is known.
func follow(ctx context.Context, t terminal, book *ledger.Reader, from uint64, o *outcome) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		events, err := readOn(ctx, book, &from)
		if err != nil && ctx.Err() == nil {
			return err
		}
		for _, ev := range events {
			if !o.concerns(ev) {
				continue
			}
			fmt.Fprintln(t.out, line(ev))
			if err := o.take(ev); err != nil {
				return err
			}
		}
		if o.done() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return o.unknown()
		}
	}
}

// readOn reads what came since *from. What stands in one record is there as a
// whole or not at all.
func readOn(ctx context.Context, book *ledger.Reader, from *uint64) ([]event.Event, error) {
	var out []event.Event
	for stored, err := range book.All(ctx, *from) {
		if err != nil {
			return out, err
		}
		*from = stored.Seq + 1
		ev, err := decode(stored)
		if err != nil {
			return out, err
		}
		out = append(out, ev)
	}
	return out, nil
}

type importCommand struct {
	Roster importRosterCommand `cmd:"" help:"名簿 / a roster file"`
}

type importRosterCommand struct {
	File string `arg:"" help:"名簿(TOML)/ the roster"`
	actFlags
}

func (c importRosterCommand) Run(ctx context.Context, t terminal) error {
	data, err := config.LoadRoster(c.File)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", c.File, err)
	}
	fmt.Fprintf(t.out, "%d 人、%d 枚、事前許可 %d 件 / persons, badges, permits\n", len(data.Persons), len(data.Badges), len(data.Permits))
	return c.send(ctx, t, order.Document{Act: order.Import}, text, event.OrderAccepted)
}

type enrollCommand struct {
	Person policy.PersonID `arg:"" help:"職員 / the person"`
	actFlags
}

func (c enrollCommand) Run(ctx context.Context, t terminal) error {
	if c.Wait == 0 {
		c.Wait = enrolPatience
	}
	fmt.Fprintln(t.out, "入室側の指紋センサで、光に合わせて指を置き、離してください / at the entry sensor: finger on and off as the light says")
	return c.send(ctx, t, order.Document{Act: order.Enroll, Person: c.Person}, nil, event.BiometricEnrolled)
}

type eraseCommand struct {
	Person policy.PersonID `arg:"" help:"職員 / the person"`
	actFlags
}

func (c eraseCommand) Run(ctx context.Context, t terminal) error {
	return c.send(ctx, t, order.Document{Act: order.Erase, Person: c.Person}, nil, event.OrderAccepted)
}

type lockdownCommand struct{ actFlags }

func (c lockdownCommand) Run(ctx context.Context, t terminal) error {
	return c.send(ctx, t, order.Document{Act: order.Lockdown}, nil, event.OrderAccepted)
}

type releaseCommand struct{ actFlags }

func (c releaseCommand) Run(ctx context.Context, t terminal) error {
	return c.send(ctx, t, order.Document{Act: order.Release}, nil, event.OrderAccepted)
}

type resecureCommand struct{ actFlags }

func (c resecureCommand) Run(ctx context.Context, t terminal) error {
	return c.send(ctx, t, order.Document{Act: order.Resecure}, nil, event.OrderAccepted)
}

type resetCommand struct {
	Person   policy.PersonID `arg:"" help:"職員 / the person"`
	Passback bool            `help:"在室記録を戻す / presence"`
	Lockout  bool            `help:"試行超過を戻す / lockout"`
	actFlags
}

func (c resetCommand) Run(ctx context.Context, t terminal) error {
	d := order.Document{Act: order.Reset, Person: c.Person}
	if c.Lockout {
		d.Scope = append(d.Scope, order.ScopeLockout)
	}
	if c.Passback {
		d.Scope = append(d.Scope, order.ScopePassback)
	}
	if len(d.Scope) == 0 {
		return coded{exitUsage, errors.New("say what to reset: --passback, --lockout or both")}
	}
	return c.send(ctx, t, d, nil, event.OrderAccepted)
}
