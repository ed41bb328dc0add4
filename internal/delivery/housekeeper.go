package delivery

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// housekeepingJob is added by whichever server leads, about once an hour.
type housekeepingJob struct{}

// Kind implements river.JobArgs.
func (housekeepingJob) Kind() string { return "housekeeping" }

func hourly() *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(time.Hour),
		func() (river.JobArgs, *river.InsertOpts) { return housekeepingJob{}, nil }, nil)
}

type housekeeper struct {
	river.WorkerDefaults[housekeepingJob]
	run func(ctx context.Context) error
}

// Work implements river.Worker.
func (h *housekeeper) Work(ctx context.Context, _ *river.Job[housekeepingJob]) error {
	return h.run(ctx)
}
