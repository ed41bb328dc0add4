package keyfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// target follows links, so that the file behind them is replaced. It refuses
// folders.
func target(path string) (string, error) {
	resolved, err := filepath.EvalSymlinks(path)
	if errors.Is(err, os.ErrNotExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	if stat, err := os.Stat(resolved); err == nil && stat.IsDir() {
		return "", fmt.Errorf("%s is a folder: change it where it comes from, as the documentation of Kubernetes Secrets says", path)
	}
	return resolved, nil
}

// lock opens a file's folder and waits for others that edit in it, until it is
// closed. It is the folder that is locked: a lock on the file would go with the
// file when that is replaced.
func lock(path string) (folder *os.File, err error) {
	folder, err = os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		_ = folder.Close()
		return nil, fmt.Errorf("lock %s: %w", folder.Name(), err)
	}
	return folder, nil
}

// replace writes a file in one step, which a crash does not divide: whoever reads
// it gets the old or the new. Owner and mode stay as they are.
func replace(folder *os.File, path string, text []byte) error {
	f, err := os.CreateTemp(folder.Name(), ".keys-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(text)
	if err = errors.Join(err, likeBefore(path, f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	return errors.Join(os.Rename(f.Name(), path), folder.Sync())
}

// likeBefore gives the new file the owner and the mode of the old one, or else
// the service may not be able to read it any more.
func likeBefore(path string, f *os.File) error {
	stat, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // CreateTemp's 0600 is right
	}
	if err != nil {
		return err
	}
	if before, ok := stat.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(before.Uid), int(before.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(stat.Mode().Perm())
}
