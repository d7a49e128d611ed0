package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// view is what the output can show.
type view struct {
	columns int
	colour  bool
	follows bool // a person follows it: it is a terminal
}

// plainColumns is the width where there is no terminal to ask.
const plainColumns = 120

func viewOf(w io.Writer) view {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return view{columns: plainColumns}
	}
	v := view{columns: plainColumns, follows: true, colour: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
		v.columns = columns
	}
	return v
}

const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
	amber = "33"
	cyan  = "36"
)

func (v view) paint(code, text string) string {
	if !v.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
