package web

import (
	"strconv"
	"time"
)

// chart is a plot that the server draws: an SVG whose sizes are attributes, so
// that the page needs no style of its own, with its scales beside it.
type chart struct {
	Bars   []bar
	Top    int // of the scale
	Ways   bool
	Scale  []string // from the top down
	Labels []string // from left to right
	Most   bar      // the highest
	Width  int      // of the drawing; its height is 100
	Empty  bool
}

// bar is one period.
type bar struct {
	Start         time.Time
	Label         string
	Path          string // of the search for it; "" for none
	Total         int
	Out, Internal int
	Dim           bool // it is not over yet
	Rects         []rect
	X             int
}

// rect is a piece of a bar.
type rect struct {
	Class         string
	X, Width      int
	Y, Height     string
	total, height float64
}

// Sizes of the drawing.
const (
	barStep  = 10
	barWidth = 8
	barHigh  = 100.0
)

// newChart draws bars.
func (v *visit) newChart(bars []bar, ways bool) chart {
	c := chart{Bars: bars, Ways: ways, Width: barStep * len(bars), Empty: true}
	for _, b := range bars {
		if b.Total > c.Most.Total {
			c.Most, c.Empty = b, false
		}
	}
	c.Top = niceTop(c.Most.Total)
	c.Scale = []string{v.words.number(int64(c.Top)), v.words.number(int64(c.Top / 2)), "0"}
	for i := range c.Bars {
		c.Bars[i].draw(i, c.Top, ways)
	}
	const labels = 6
	for i := 0; i < len(bars); i += max(1, len(bars)/labels) {
		c.Labels = append(c.Labels, bars[i].Label)
	}
	return c
}

// niceTop is the end of a scale: 2, 4, 6 or 10 times a power of ten.
func niceTop(most int) int {
	for unit := 1; ; unit *= 10 {
		for _, n := range []int{2, 4, 6, 10} {
			if n*unit >= most {
				return n * unit
			}
		}
	}
}

// draw cuts the bar into its directions, incoming at the ground.
func (b *bar) draw(index, top int, ways bool) {
	b.X = index * barStep
	class := "bar"
	if b.Dim {
		class = "bar-dim"
	}
	pieces := []rect{{Class: class, total: float64(b.Total)}}
	if ways {
		pieces = []rect{
			{Class: class, total: float64(b.Total - b.Out - b.Internal)},
			{Class: "bar-out", total: float64(b.Out)}, {Class: "bar-int", total: float64(b.Internal)},
		}
	}
	ground := barHigh
	for _, r := range pieces {
		if r.total <= 0 {
			continue
		}
		r.height = barHigh * r.total / float64(top)
		ground -= r.height
		r.X, r.Width, r.Y, r.Height = b.X+1, barWidth, tenths(ground), tenths(r.height)
		b.Rects = append(b.Rects, r)
	}
}

func tenths(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
