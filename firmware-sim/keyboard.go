package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"sekimori/firmware-sim/story"
)

// keyboard is where lines are typed and everything is shown meanwhile: a
// terminal with line editing, or plain lines where there is none.
//
// A read of the standard input cannot be ended, so the goroutine that reads
// ends with its input or with the process; nobody waits for it.
type keyboard struct {
	io.Writer
	lines    <-chan string // closed at the end of input
	terminal *term.Terminal
	screen   io.Writer
	restore  func() error
}

const prompt = "sekimori> " // narrow characters only: the editor counts each as one column

// newKeyboard takes over the terminal, if there is one. cancel is called when
// the person at a terminal wants to end, also while something goes on.
func newKeyboard(s streams, cancel context.CancelFunc) (*keyboard, error) {
	lines := make(chan string, 64)
	k := &keyboard{Writer: s.out, lines: lines, screen: s.out, restore: func() error { return nil }}
	in, ok := s.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) || !viewOf(s.out).follows {
		go func() {
			defer close(lines)
			for typed := bufio.NewScanner(s.in); typed.Scan(); {
				lines <- typed.Text()
			}
		}()
		return k, nil
	}
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, fmt.Errorf("cannot take over the terminal: %w", err)
	}
	k.restore = func() error { return term.Restore(int(in.Fd()), state) }
	k.terminal = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, s.out}, prompt)
	k.terminal.AutoCompleteCallback = complete
	k.Writer = k.terminal
	k.view() // tells the editor the window's width
	go func() {
		defer cancel()
		defer close(lines)
		for {
			line, err := k.terminal.ReadLine()
			if err != nil { // Ctrl-C, Ctrl-D, or the window was closed
				return
			}
			lines <- line
		}
	}()
	return k, nil
}

// view is what the window shows now.
func (k *keyboard) view() view {
	v := viewOf(k.screen)
	if k.terminal != nil {
		_ = k.terminal.SetSize(v.columns, 1<<10) // the editor scrolls by itself
	}
	return v
}

// close gives the terminal back as it was.
func (k *keyboard) close() {
	if k.terminal != nil {
		k.terminal.SetPrompt("")
	}
	_ = k.restore()
	if k.terminal != nil {
		fmt.Fprintln(k.screen)
	}
}

// complete finishes the first word at a tab, if only one fits.
func complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' || pos != len(line) || strings.Contains(line, " ") {
		return "", 0, false
	}
	var fits []string
	for _, word := range vocabulary() {
		if strings.HasPrefix(word, line) {
			fits = append(fits, word)
		}
	}
	if len(fits) != 1 {
		return "", 0, false
	}
	line = fits[0] + " "
	return line, len(line), true
}

// vocabulary is every first word.
func vocabulary() []string {
	var words []string
	for _, v := range story.Verbs() {
		words = append(words, strings.Fields(v.Usage)[0])
	}
	for _, l := range looks {
		words = append(words, strings.Fields(l.usage)[0])
	}
	slices.Sort(words)
	return slices.Compact(words)
}
