package main

import (
	"fmt"

	"sekimori/controller/daemon"
	"sekimori/controller/ledger"
)

type initCommand struct {
	doorFlag
}

// Run makes what only exists once: ledger, device key, tag key, inbox. It
// refuses if anything of it is there.
func (c initCommand) Run(t terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	verifier, err := daemon.Init(cfg)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "扉 %s の台帳を作りました / made the ledger of door %s\n台帳の検証鍵(控えて保管)/ verifier key of its checkpoints (keep it elsewhere):\n%s\n", cfg.ID, cfg.ID, verifier)
	return err
}

// ledgerFault gives what is wrong with a ledger its own exit code.
func ledgerFault(err error) error {
	if err == nil {
		return nil
	}
	for _, e := range []error{ledger.ErrCorrupt, ledger.ErrShorter, ledger.ErrMissing} {
		if isErr(err, e) {
			return coded{exitLedger, err}
		}
	}
	return err
}
