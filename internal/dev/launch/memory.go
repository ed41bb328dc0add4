package launch

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Resident is how much memory a process holds, in bytes; 0 where there is no
// /proc.
func Resident(pid int) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		return 0
	}
	return parseResident(string(text), int64(os.Getpagesize()))
}

// parseResident reads /proc/PID/statm.
func parseResident(text string, page int64) int64 {
	fields := strings.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * page
}
