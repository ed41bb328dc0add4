package main

import (
	"math"
	"slices"
	"time"
)

// sample is what one measurement found.
type sample struct {
	// Calls were answered well, Failed were not. Rate counts calls, or the
	// invitations in them, per second.
	Calls   int     `json:"calls"`
	Failed  int     `json:"failed,omitempty"`
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"rate"`
	// P50 and P99 are latencies in milliseconds; 0 where none were taken.
	P50 float64 `json:"p50_ms,omitempty"`
	P99 float64 `json:"p99_ms,omitempty"`
	CPU cost    `json:"cpu_us"`
	// Others is how many cores were busy with something else.
	Others float64 `json:"others_cores"`
	// Resident is the most memory that the server was seen to hold, in bytes.
	Resident int64 `json:"resident_bytes,omitempty"`

	// why is the first failure's error.
	why error
}

// cost is how long each part kept a core busy, in microseconds per call or
// invitation.
type cost struct {
	Client   float64 `json:"client"`
	Service  float64 `json:"service"`
	Postgres float64 `json:"postgres"`
}

// usage is CPU time: that of each part, and that of the whole machine.
type usage struct{ client, service, postgres, machine time.Duration }

func (u usage) minus(v usage) usage {
	return usage{u.client - v.client, u.service - v.service, u.postgres - v.postgres, u.machine - v.machine}
}

// setCost spreads CPU time over what was done with it in the given time.
func (s *sample) setCost(u usage, lasted time.Duration, units int) {
	each := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) / float64(max(units, 1)) }
	s.CPU = cost{Client: each(u.client), Service: each(u.service), Postgres: each(u.postgres)}
	others := u.machine - u.client - u.service - u.postgres
	s.Others = max(0, others.Seconds()/lasted.Seconds())
}

// setLatencies takes the percentiles; it sorts what it is given.
func (s *sample) setLatencies(all []time.Duration) {
	slices.Sort(all)
	s.P50, s.P99 = milliseconds(percentile(all, 50)), milliseconds(percentile(all, 99))
}

// percentile returns the least of the sorted values that p percent of them do
// not exceed (the nearest rank), and 0 of none.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median is 0 of nothing, and the mean of the middle two of an even number.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// medianOf takes the median of one figure of several samples.
func medianOf(samples []sample, figure func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = figure(s)
	}
	return median(values)
}

// medianRatio divides round by round, since what else the machine does changes
// from round to round, and takes the median; 0 if there is nothing to divide.
func medianRatio(over, under []sample, figure func(sample) float64) float64 {
	var ratios []float64
	for i := range min(len(over), len(under)) {
		if divisor := figure(under[i]); divisor > 0 {
			ratios = append(ratios, figure(over[i])/divisor)
		}
	}
	return median(ratios)
}

func rate(s sample) float64 { return s.Rate }
func p50(s sample) float64  { return s.P50 }
