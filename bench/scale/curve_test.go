package main

import (
	"testing"
	"time"
)

// TestRates checks the rates of a curve whose points fall beside the tenths.
func TestRates(t *testing.T) {
	begun := time.Unix(0, 0)
	c := curve{total: 1000, begun: begun}
	for _, p := range []struct{ seconds, indexed int }{{1, 150}, {2, 300}, {2, 300}, {9, 1000}} {
		c.add(begun.Add(time.Duration(p.seconds)*time.Second), p.indexed)
	}
	if len(c.points) != 3 {
		t.Errorf("kept %d points, want 3: one changed nothing", len(c.points))
	}
	for tenth, want := range map[int]float64{1: 150, 2: 150, 3: 150, 4: 100, 10: 100} {
		if got := c.rate(tenth); got < want-0.01 || got > want+0.01 {
			t.Errorf("tenth %d: %.2f/s, want %.2f", tenth, got, want)
		}
	}
}
