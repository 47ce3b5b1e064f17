package main

import (
	"fmt"
	"io"
	"time"
)

// curve is how many messages were indexed at which time.
type curve struct {
	total         int // messages
	begun, stored time.Time
	points        []point // rising in both
	raw, disk     int64   // bytes of mail, and of the vault
}

type point struct {
	at      time.Time
	indexed int
}

// add notes how many are indexed; a number that did not change says nothing.
func (c *curve) add(at time.Time, indexed int) {
	if indexed > c.last().indexed {
		c.points = append(c.points, point{at, indexed})
	}
}

func (c *curve) last() point {
	if len(c.points) == 0 {
		return point{at: c.begun}
	}
	return c.points[len(c.points)-1]
}

// reached says when so many were indexed, by a straight line between the two
// points around it: a batch becomes visible all at once.
func (c *curve) reached(n int) time.Time {
	before := point{at: c.begun}
	for _, p := range c.points {
		if p.indexed >= n {
			share := float64(n-before.indexed) / float64(p.indexed-before.indexed)
			return before.at.Add(time.Duration(share * float64(p.at.Sub(before.at))))
		}
		before = p
	}
	return before.at
}

// rate is the messages a second of a tenth, from 1 to 10.
func (c *curve) rate(tenth int) float64 {
	from, to := c.total*(tenth-1)/10, c.total*tenth/10
	return float64(to-from) / c.reached(to).Sub(c.reached(from)).Seconds()
}

func (c *curve) print(w io.Writer) {
	fmt.Fprintf(w, "%d messages, %.0f MB of mail, vault %.1f %% of it; all stored after %.0f s, all indexed after %.0f s\n\n",
		c.total, float64(c.raw)/1e6, 100*float64(c.disk)/float64(c.raw), c.stored.Sub(c.begun).Seconds(), c.last().at.Sub(c.begun).Seconds())
	fmt.Fprint(w, "| messages | indexed/s | share of the second tenth |\n|---|---|---|\n")
	for tenth := 1; tenth <= 10; tenth++ {
		fmt.Fprintf(w, "| to %d | %.0f | %.2f |\n", c.total*tenth/10, c.rate(tenth), c.rate(tenth)/c.rate(2))
	}
	fmt.Fprintf(w, "\nLast tenth/second tenth: %.2f (goal %.1f). ", c.rate(10)/c.rate(2), goal)
}
