package ledger

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"modernc.org/sqlite"

	"sekimori/controller/event"
)

// child is a process of its own; its answers are lines on standard output.
func child(mode, dir string) {
	modes := map[string]func(string) error{
		"work":  work,  // append for ever: ACK n for each durable event
		"check": check, // open, verify, LAST n or an error
		"lock":  lock,  // hold SQLite's write lock until standard input ends
		"full":  full,  // append until there is no room, then free it and go on
	}
	f, ok := modes[mode]
	if !ok {
		fmt.Println("ERR no mode", mode)
		os.Exit(2)
	}
	if err := f(dir); err != nil {
		fmt.Println("ERR", err)
		os.Exit(1)
	}
}

// work is the workload of the kill and power-loss tests. The environment may
// weaken the database behind the ledger's back: the negative control.
func work(dir string) error {
	ctx := context.Background()
	if os.Getenv("SEKIMORI_LEDGER_INIT") != "" {
		if err := Init(dir, testDoor, DeviceKey{}); err != nil {
			return err
		}
	}
	l, err := Open(ctx, dir, Options{})
	if err != nil {
		return err
	}
	if mode := os.Getenv("SEKIMORI_LEDGER_SYNC"); mode != "" {
		if err := weaken(ctx, l, mode); err != nil {
			return err
		}
	}
	fmt.Println("START", l.Last())
	for i := 0; ; i++ {
		r := []Record{{Event: sample(event.AccessTaken, i)}}
		r[0].Event.Side = "entry"
		if i%5 == 0 {
			r = append(r, Record{
				Event: sample(event.OrderAccepted, i),
				Order: &Order{fmt.Sprintf("o-%d", l.Last()), []byte("signed")},
				State: map[string][]byte{"door": []byte(fmt.Sprint(l.Last()))},
			})
		}
		first, err := l.Append(ctx, r)
		if err != nil {
			return err
		}
		fmt.Println("ACK", first+uint64(len(r))-1)
		if i%40 == 39 {
			if _, _, err := l.Checkpoint(ctx, morning.Add(time.Duration(i)*time.Minute)); err != nil {
				return err
			}
		}
		if i%25 == 24 {
			if err := l.SetCursor(ctx, "hall", l.Last()-5); err != nil {
				return err
			}
		}
	}
}

// weaken takes off the fence and the durability, as no code of the product can.
func weaken(ctx context.Context, l *Ledger, synchronous string) error {
	err := l.pen.conn.Raw(func(c any) error {
		return c.(sqlite.AuthorizerRegisterer).RegisterAuthorizer(nil)
	})
	if err != nil {
		return err
	}
	_, err = l.pen.conn.ExecContext(ctx, "PRAGMA synchronous="+synchronous)
	return err
}

func check(dir string) error {
	ctx := context.Background()
	l, err := Open(ctx, dir, Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	rep, err := l.Verify(ctx, Evidence{})
	if err != nil {
		return err
	}
	if !rep.OK() {
		return fmt.Errorf("verify: %v", rep.Problems)
	}
	if err := l.quickCheck(ctx); err != nil {
		return err
	}
	// What was interrupted must go on.
	if _, err := l.Append(ctx, records(1, 0)); err != nil {
		return err
	}
	fmt.Println("LAST", rep.Events)
	return nil
}

func lock(dir string) error {
	db, err := connect(dir+"/"+databaseFile, making)
	if err != nil {
		return err
	}
	defer db.Close()
	c, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	fmt.Println("LOCKED")
	bufio.NewReader(os.Stdin).ReadByte()
	_, err = c.ExecContext(context.Background(), "ROLLBACK")
	fmt.Println("FREE")
	return err
}
