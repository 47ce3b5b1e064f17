package main

import (
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(200-i))
	}
	for p, want := range map[int]time.Duration{50: 100, 95: 190, 99: 198, 100: 200} {
		if got := percentile(times, p); got != want {
			t.Errorf("of 1 to 200, %d in a hundred: %d, want %d", p, got, want)
		}
	}
	if got := percentile(times[:1], 50); got != 200 {
		t.Errorf("of one time: %d, want it", got)
	}
}
