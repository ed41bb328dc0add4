package hook

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

type session struct {
	t        *testing.T
	commands io.Writer
	answers  *bufio.Reader
}

func open(t *testing.T) *session {
	theirs, commands := io.Pipe()
	answers, ours := io.Pipe()
	t.Cleanup(func() { _ = commands.Close() })
	go serve(theirs, ours)
	return &session{t, commands, bufio.NewReader(answers)}
}

func (s *session) say(line string) (use Use, refusal string) {
	s.t.Helper()
	if _, err := io.WriteString(s.commands, line+"\n"); err != nil {
		s.t.Fatal(err)
	}
	text, err := s.answers.ReadBytes('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	var answer struct {
		Use
		Error string
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		s.t.Fatal(err)
	}
	return answer.Use, answer.Error
}

var sink []byte

func TestCount(t *testing.T) {
	s := open(t)
	if _, refusal := s.say("start"); refusal != "" {
		t.Fatal(refusal)
	}
	const size, times = 1 << 20, 8
	for range times {
		sink = make([]byte, size)
	}
	use, refusal := s.say("stop")
	if refusal != "" || use.Bytes < size*times || use.Bytes > 2*size*times || use.Objects < times {
		t.Errorf("%d times %d bytes count as %+v, %s", times, size, use, refusal)
	}
}

func TestProfiles(t *testing.T) {
	s := open(t)
	prefix := filepath.Join(t.TempDir(), "send")
	for _, line := range []string{"start " + prefix, "stop"} {
		if _, refusal := s.say(line); refusal != "" {
			t.Fatal(refusal)
		}
	}
	for _, suffix := range []string{".cpu.pprof", ".base.pprof", ".allocs.pprof", ".heap.pprof"} {
		if info, err := os.Stat(prefix + suffix); err != nil || info.Size() == 0 {
			t.Errorf("there is no profile %s: %v", suffix, err)
		}
	}
	if _, refusal := s.say("start " + filepath.Join(prefix, "no", "such", "place")); refusal == "" {
		t.Error("profiles that can't be written are no error")
	}
}
