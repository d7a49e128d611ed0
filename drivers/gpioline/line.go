package gpioline

import "errors"

// ErrLineTaken: another process, or another part of this one, holds the line;
// the error's text names it.
var ErrLineTaken = errors.New("line is taken")
