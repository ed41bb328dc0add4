package keyfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kiwi-ki/invitations/internal/invitation"
)

// maxFile is far more than all keys and their comments need.
const maxFile = 64 << 10

// signing is the file of a folder that says which key signs.
const signing = "signing"

// Load reads the keys in a file or a folder. Errors name files and lines, and
// quote nothing of them.
func Load(path string) (*invitation.KeyRing, error) {
	c, err := read(path)
	if err != nil {
		return nil, err
	}
	return c.parse()
}

// content is what was read, in the format of a key file.
type content struct {
	text []byte
	// names are the files of a folder that the lines came from.
	names []string
}

func (c content) parse() (*invitation.KeyRing, error) {
	ring, err := invitation.ParseKeyRing(c.text)
	var wrong *invitation.KeyError
	if c.names != nil && errors.As(err, &wrong) {
		return nil, fmt.Errorf("key folder, file %s: %s", c.names[wrong.Line-1], wrong.Problem)
	}
	return ring, err
}

func read(path string) (content, error) {
	info, err := os.Stat(path)
	if err != nil {
		return content{}, err
	}
	if info.IsDir() {
		return readFolder(path)
	}
	text, err := readFile(path)
	return content{text: text}, err
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path)
	case info.Mode().Perm()&0o007 != 0:
		return nil, fmt.Errorf("%s is open to everybody (mode %04o): take that away with chmod o=", path, info.Mode().Perm())
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s has %d bytes: that is no key file", path, info.Size())
	}
	return os.ReadFile(path)
}

// readFolder reads files that belong together. Kubernetes changes them all at
// once, by pointing the link "..data" elsewhere, and then removes the old ones.
func readFolder(dir string) (content, error) {
	for range 10 {
		before := dataIn(dir)
		c, err := readFiles(before)
		if dataIn(dir) == before {
			return c, err
		}
	}
	return content{}, errors.New("key folder: it changes all the time")
}

// dataIn returns where the files of a folder are.
func dataIn(dir string) string {
	if data, err := filepath.EvalSymlinks(filepath.Join(dir, "..data")); err == nil {
		return data
	}
	return dir
}

// readFiles makes a key file of a folder: a line per file, the signing key last.
func readFiles(dir string) (content, error) {
	signer, err := readWord(filepath.Join(dir, signing))
	if errors.Is(err, os.ErrNotExist) {
		return content{}, errors.New(`key folder: there is no file "signing" that holds the id of the key that signs`)
	}
	if err != nil {
		return content{}, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return content{}, err
	}
	var c content
	var last string
	for _, e := range entries {
		name := e.Name()
		if name == signing || strings.HasPrefix(name, "..") {
			continue
		}
		if len(name) != 1 {
			return content{}, fmt.Errorf("key folder: the file %q is no key: those are named like their ids, one character of A-Z and 2-7", name)
		}
		secret, err := readWord(filepath.Join(dir, name))
		if err != nil {
			return content{}, err
		}
		if line := name + " " + secret + "\n"; name == signer {
			last = line
		} else {
			c.names, c.text = append(c.names, name), append(c.text, line...)
		}
	}
	if last == "" {
		return content{}, errors.New(`key folder: the file "signing" does not hold the id of a key`)
	}
	c.names, c.text = append(c.names, signer), append(c.text, last...)
	return c, nil
}

// readWord reads a file that holds one word.
func readWord(path string) (string, error) {
	text, err := readFile(path)
	if err != nil {
		return "", err
	}
	words := strings.Fields(string(text))
	if len(words) != 1 {
		return "", fmt.Errorf("%s does not hold one word on one line", path)
	}
	return words[0], nil
}
