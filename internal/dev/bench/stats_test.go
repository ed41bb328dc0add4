package main

import (
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for _, c := range []struct {
		sorted []time.Duration
		p      float64
		want   time.Duration
	}{
		{nil, 50, 0},
		{[]time.Duration{7}, 50, 7},
		{[]time.Duration{7}, 99, 7},
		{[]time.Duration{1, 2}, 50, 1},
		{[]time.Duration{1, 2, 3}, 50, 2},
		{[]time.Duration{1, 2, 3}, 99, 3},
		{hundred, 0, 1},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 99.5, 100},
		{hundred, 100, 100},
	} {
		if got := percentile(c.sorted, c.p); got != c.want {
			t.Errorf("percentile %v of %d values is %d, want %d", c.p, len(c.sorted), got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{4}, 4},
		{[]float64{9, 1, 5}, 5},
		{[]float64{9, 1, 5, 7}, 6},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("the median of %v is %v, want %v", c.values, got, c.want)
		}
	}
}

// TestMedianRatio: rounds are compared with themselves, so that one slow round
// of both sides changes nothing.
func TestMedianRatio(t *testing.T) {
	t.Parallel()
	of := func(rates ...float64) (samples []sample) {
		for _, r := range rates {
			samples = append(samples, sample{Rate: r})
		}
		return samples
	}
	for _, c := range []struct {
		over, under []sample
		want        float64
	}{
		{of(200, 20, 200), of(100, 10, 100), 2},
		{of(200, 300), of(100), 2},
		{of(200), of(0), 0},
		{of(200), nil, 0},
	} {
		if got := medianRatio(c.over, c.under, rate); got != c.want {
			t.Errorf("the ratio of %v and %v is %v, want %v", c.over, c.under, got, c.want)
		}
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	var m sample
	m.setCost(usage{client: time.Millisecond, service: 2 * time.Millisecond, machine: 8 * time.Millisecond}, 10*time.Millisecond, 10)
	if want := (cost{Client: 100, Service: 200}); m.CPU != want || m.Others != 0.5 {
		t.Errorf("got %+v, want %+v and half a core of others", m, want)
	}
	// Nothing was done, and nothing is divided by; clocks that differ by a tick
	// leave nothing for others.
	m.setCost(usage{client: time.Millisecond}, time.Millisecond, 0)
	if m.CPU.Client != 1000 || m.Others != 0 {
		t.Errorf("got %+v", m)
	}
}
