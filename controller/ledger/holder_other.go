//go:build !linux

package ledger

import (
	"errors"
	"os"
)

func hold(*os.File) error { return errors.New("a ledger can only be written on linux") }

func fileSizeLimited() bool { return false }
