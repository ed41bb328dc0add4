package wording

import (
	"fmt"
	"time"
	_ "time/tzdata" // the container has no time zones of its own
)

// berlin is where the readers' clocks hang.
var berlin = mustLoad("Europe/Berlin")

func mustLoad(zone string) *time.Location {
	location, err := time.LoadLocation(zone)
	if err != nil {
		panic(err) // can't be: the data is linked in
	}
	return location
}

var germanMonths = [...]string{
	"Januar", "Februar", "März", "April", "Mai", "Juni",
	"Juli", "August", "September", "Oktober", "November", "Dezember",
}

// germanDeadline is such as "9. Dezember 2026, 14:05 Uhr".
func germanDeadline(t time.Time) string {
	return fmt.Sprintf("%d. %s %s Uhr", t.Day(), germanMonths[t.Month()-1], t.Format("2006, 15:04"))
}

// englishDeadline is such as "9 December 2026, 14:05 (CET)".
func englishDeadline(t time.Time) string { return t.Format("2 January 2006, 15:04 (MST)") }
