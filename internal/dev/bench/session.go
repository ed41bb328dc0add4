package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/kiwi-ki/invitations/internal/dev/bench/hook"
)

// session is this end of a process's hook.
type session struct {
	commands, answers *os.File
	lines             *bufio.Reader
	theirs            []*os.File
}

func openSession() (*session, error) {
	theirCommands, commands, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answers, theirAnswers, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &session{commands, answers, bufio.NewReader(answers), []*os.File{theirCommands, theirAnswers}}, nil
}

// started gives up what only the process needs, so that its end is heard of.
func (h *session) started() {
	for _, f := range h.theirs {
		_ = f.Close()
	}
}

func (h *session) close() { _, _ = h.commands.Close(), h.answers.Close() }

func (h *session) command(line string) (use hook.Use, err error) {
	if _, err := fmt.Fprintln(h.commands, line); err != nil {
		return use, err
	}
	text, err := h.lines.ReadBytes('\n')
	if err != nil {
		return use, fmt.Errorf("hear of the hook: %w", err)
	}
	var answer struct {
		hook.Use
		Error string
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return use, err
	}
	if answer.Error != "" {
		return use, errors.New("the hook: " + answer.Error)
	}
	return answer.Use, nil
}

// during records what the process allocates during a measurement, and writes
// profiles if there is a prefix for their names.
func (h *session) during(prefix string, measure func() (sample, error)) (m sample, use hook.Use, err error) {
	if _, err := h.command("start " + prefix); err != nil {
		return m, use, err
	}
	m, err = measure()
	use, failed := h.command("stop")
	return m, use, errors.Join(err, failed)
}
