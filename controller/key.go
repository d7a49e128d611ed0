package main

import (
	"fmt"

	"sekimori/controller/order"
)

type keyCommand struct {
	New  keyNewCommand  `cmd:"" help:"新しい鍵を作る / make a new key; keep the file off the door"`
	Show keyShowCommand `cmd:"" help:"公開鍵と照合値を示す / print the public half and its fingerprint"`
}

type keyNewCommand struct {
	File string `arg:"" help:"鍵を書く先(既にあれば断る)/ where to write it; refused if it exists"`
}

func (c keyNewCommand) Run(t terminal) error {
	k := order.NewKey()
	if err := order.WriteKey(c.File, k); err != nil {
		return err
	}
	return printKey(t, k)
}

type keyShowCommand struct {
	File string `arg:"" help:"鍵のファイル / the key file"`
}

func (c keyShowCommand) Run(t terminal) error {
	k, err := order.ReadKey(c.File)
	if err != nil {
		return err
	}
	return printKey(t, k)
}

// printKey shows only the public half: what goes into the door file, and what
// is compared by eye.
func printKey(t terminal, k *order.PrivateKey) error {
	_, err := fmt.Fprintf(t.out, "public      %s\nfingerprint %s\n", k.Public(), k.Public().ID().Fingerprint())
	return err
}
