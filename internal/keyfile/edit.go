package keyfile

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// ids are those of keys, in the order in which Add takes them.
const ids = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// Errors of Promote and Retire.
var (
	ErrNoSuchKey = errors.New("the file holds no key of that id")
	ErrSigns     = errors.New("the key signs: promote another one first")
	ErrHasSigned = errors.New("the key has signed links")
)

// Add draws a key and adds it to a file. A file that is missing or empty is
// begun with it, and so it signs; else it is to sign next.
func Add(path string) (added invitation.KeyInfo, err error) {
	err = edit(path, func(lines []string) ([]string, error) {
		id, err := freeID(lines)
		if err != nil {
			return nil, err
		}
		line, err := invitation.NewKeyLine(id)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(lines, isKey) {
			line += nextMark
		}
		lines = append(lines, line)
		added, err = info(lines, string(id))
		return lines, err
	})
	return added, err
}

// Promote has a key sign from now on. The key that signed before verifies.
func Promote(path, id string) error {
	return edit(path, func(lines []string) ([]string, error) {
		k, err := info(lines, id)
		if err != nil || k.Use == invitation.KeySigns {
			return lines, err
		}
		line, lines := cut(lines, id)
		return append(lines, strings.TrimSpace(strings.TrimSuffix(line, nextMark))), nil
	})
}

// Retire takes a key out of a file for good: links that it signed are dead when
// the servers have read it. It fails with ErrSigns for the key that signs, and
// with ErrHasSigned for one that did unless even such a one may go.
func Retire(path, id string, evenIfItSigned bool) error {
	return edit(path, func(lines []string) ([]string, error) {
		switch k, err := info(lines, id); {
		case err != nil:
			return nil, err
		case k.Use == invitation.KeySigns:
			return nil, ErrSigns
		case k.Use == invitation.KeyVerifies && !evenIfItSigned:
			return nil, ErrHasSigned
		}
		_, lines = cut(lines, id)
		return lines, nil
	})
}

// nextMark ends the line of a key that is yet to sign.
const nextMark = " " + string(invitation.KeyNext)

// edit rewrites a file's lines, alone among all that do so at the time. It
// neither takes nor leaves a file that is no ring.
func edit(path string, change func([]string) ([]string, error)) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	folder, err := lock(path)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	before, err := readFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(string(before), "\n"), "\n")
	if slices.ContainsFunc(lines, isKey) {
		if _, err := invitation.ParseKeyRing(before); err != nil {
			return err
		}
	}
	if lines, err = change(lines); err != nil {
		return err
	}
	after := strings.TrimLeft(strings.Join(lines, "\n"), "\n") + "\n"
	if after == string(before) {
		return nil
	}
	if _, err := invitation.ParseKeyRing([]byte(after)); err != nil {
		return fmt.Errorf("the keys would be broken: %w", err)
	}
	return replace(folder, path, []byte(after))
}

func isKey(line string) bool {
	line = strings.TrimSpace(line)
	return line != "" && line[0] != '#'
}

// freeID returns an id after that of the last key, so that one that was retired
// is not used again soon.
func freeID(lines []string) (byte, error) {
	taken, last := map[string]bool{}, len(ids)-1
	for _, line := range lines {
		if isKey(line) {
			taken[idOf(line)], last = true, strings.Index(ids, idOf(line))
		}
	}
	for i := range len(ids) {
		if id := ids[(last+1+i)%len(ids)]; !taken[string(id)] {
			return id, nil
		}
	}
	return 0, errors.New("every id is taken: retire old keys")
}

func idOf(line string) string {
	id, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	return id
}

// info tells of one key in the lines.
func info(lines []string, id string) (invitation.KeyInfo, error) {
	ring, err := invitation.ParseKeyRing([]byte(strings.Join(lines, "\n")))
	if err != nil {
		return invitation.KeyInfo{}, err
	}
	for _, k := range ring.Keys() {
		if k.ID == id {
			return k, nil
		}
	}
	return invitation.KeyInfo{}, ErrNoSuchKey
}

// cut takes the line of a key out of the others.
func cut(lines []string, id string) (line string, others []string) {
	i := slices.IndexFunc(lines, func(line string) bool { return isKey(line) && idOf(line) == id })
	return strings.TrimSpace(lines[i]), slices.Delete(slices.Clone(lines), i, i+1)
}
