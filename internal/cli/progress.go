package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"mailarchive/internal/control"
)

const (
	// lineEvery is how often progress is written where no bar can be drawn.
	lineEvery = 10 * time.Second
	// drawEvery is how often a bar is drawn.
	drawEvery = 200 * time.Millisecond
	barWidth  = 20
	// rateSpan is how far back the rate is measured, at least.
	rateSpan = 5 * time.Second
)

// meter shows how far long work is: a bar on a terminal, else a line now and
// then. It is not for several goroutines at once.
type meter struct {
	w        io.Writer
	terminal bool
	width    int
	clock    func() time.Time
	label    string

	begun  time.Time
	shown  time.Time // when something was last shown
	drawn  bool      // a bar stands on the screen
	sample control.Progress
	at     time.Time // of the sample
	rate   float64
}

func (p *program) meter(label string) *meter {
	width, is := terminal(p.std.Err)
	now := p.clock()
	return &meter{w: p.std.Err, terminal: is, width: width, clock: p.clock, label: label, begun: now, shown: now, at: now}
}

// update shows progress if it is time to.
func (m *meter) update(p control.Progress) {
	now := m.clock()
	m.measure(now, p)
	every := lineEvery
	if m.terminal {
		every = drawEvery
	}
	if now.Sub(m.shown) < every {
		return
	}
	m.show(p, m.left(p), "")
}

// show writes progress now; note stands behind it.
func (m *meter) show(p control.Progress, left time.Duration, note string) {
	m.shown = m.clock()
	text := m.text(p, left)
	if note != "" {
		text += "  " + safe(note)
	}
	if !m.terminal {
		fmt.Fprintln(m.w, text)
		return
	}
	m.drawn = true
	fmt.Fprintf(m.w, "\r\x1b[K%s", cut(text, m.width-1))
}

// clear takes the bar away.
func (m *meter) clear() {
	if m.drawn {
		m.drawn = false
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}

// measure keeps the rate over the last seconds.
func (m *meter) measure(now time.Time, p control.Progress) {
	if p.Rate > 0 {
		m.rate = p.Rate
		return
	}
	span := now.Sub(m.at)
	if span < rateSpan && m.rate > 0 || span <= 0 {
		return
	}
	m.rate = float64(p.Done-m.sample.Done) / span.Seconds()
	if span >= rateSpan {
		m.sample, m.at = p, now
	}
}

func (m *meter) left(p control.Progress) time.Duration {
	if m.rate <= 0 || p.Total <= p.Done {
		return 0
	}
	return time.Duration(float64(p.Total-p.Done) / m.rate * float64(time.Second))
}

// text is "verify [=====>    ] 47%  1,234 of 2,600 messages  310/s  0:05 left".
func (m *meter) text(p control.Progress, left time.Duration) string {
	var b strings.Builder
	b.WriteString(m.label)
	if p.Total > 0 {
		share := min(float64(p.Done)/float64(p.Total), 1)
		if m.terminal {
			full := int(share * barWidth)
			fmt.Fprintf(&b, " [%s%s]", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full))
		}
		fmt.Fprintf(&b, " %.0f%%  %s of %s", share*100, amount(p.Done, p.Unit), amount(p.Total, p.Unit))
	} else {
		fmt.Fprintf(&b, "  %s", amount(p.Done, p.Unit))
	}
	if p.Unit != "bytes" {
		b.WriteString(" " + safe(p.Unit))
	}
	if m.rate > 0 {
		fmt.Fprintf(&b, "  %s/s", amount(int64(m.rate), p.Unit))
	}
	if left > 0 {
		fmt.Fprintf(&b, "  %s left", clockText(left))
	}
	return b.String()
}

func amount(n int64, unit string) string {
	if unit == "bytes" {
		return sizeText(uint64(max(n, 0)))
	}
	return countText(n)
}

// clockText is "0:05", "12:30", "3:05:00".
func clockText(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
