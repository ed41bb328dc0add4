package filewatch

import (
	"crypto/sha256"
	"errors"
	"os"
)

// Files reads a value that stands in one file or several.
func Files[T any](parse func(contents [][]byte) (T, error), paths ...string) func() (Reading[T], error) {
	return func() (Reading[T], error) {
		contents, err := readAll(paths)
		return Reading[T]{Sum: sum(contents), Parse: func() (T, error) { return parse(contents) }}, err
	}
}

func readAll(paths []string) (contents [][]byte, err error) {
	for _, path := range paths {
		if path == "" {
			return nil, errors.New("no file is set")
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	return contents, nil
}

// sum sums each up by itself, so that it makes a difference where one ends.
func sum(contents [][]byte) (all [sha256.Size]byte) {
	hash := sha256.New()
	for _, content := range contents {
		one := sha256.Sum256(content)
		_, _ = hash.Write(one[:])
	}
	hash.Sum(all[:0])
	return all
}
