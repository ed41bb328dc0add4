package pgserver

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
)

// openLog makes the process write to w, or for nil to a file in dir. The
// process has its own copy of the file, so it is closed after the start.
func (p *process) openLog(w io.Writer, dir string) (closeLog func(), err error) {
	closeLog = func() {}
	if w == nil {
		file, err := appendTo(filepath.Join(dir, "server.log"))
		if err != nil {
			return nil, err
		}
		if p.logStart, err = file.Seek(0, io.SeekEnd); err != nil {
			return nil, err
		}
		p.log, w = file.Name(), file
		closeLog = func() { _ = file.Close() }
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	return closeLog, nil
}

// appendTo begins a new file when the last one has grown large.
func appendTo(path string) (*os.File, error) {
	const large = 16 << 20
	if info, err := os.Stat(path); err == nil && info.Size() > large {
		_ = os.Remove(path)
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
}

// lastWords is the end of the log of a server that failed to start.
func (p *process) lastWords() string {
	if p.log == "" {
		return "; see its log"
	}
	text, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	text = bytes.TrimSpace(text[min(p.logStart, int64(len(text))):])
	const enough = 2 << 10
	return ": " + string(text[max(0, len(text)-enough):])
}
