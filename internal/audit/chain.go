package audit

import (
	"fmt"

	"mailarchive/internal/mail"
)

// maxGaps bounds what is kept in mind of missing entries.
const maxGaps = 100_000

// gap is a run of entries that did not come where they should.
type gap struct {
	first, last uint64
	file        string // of the line behind it
	line        int
	off         int64
}

// chain checks line after line and reports what is wrong.
type chain struct {
	report func(Finding)
	end    Head     // the line with the highest seq so far
	gaps   []gap    // in order
	wanted []wanted // heads that must be found
	moved  *Finding // a run of lines that stand too late
	broken *Finding // lines that cannot be read, until it is known which entries they were
}

// wanted is a head that must be in the record, because somebody says so.
type wanted struct {
	Head
	who   string
	found bool
}

// place is where a line stands.
type place struct {
	file string
	line int
	off  int64
}

func (p place) finding(kind Kind, first, last uint64, format string, args ...any) Finding {
	return Finding{Kind: kind, File: p.file, Line: p.line, Offset: p.off, First: first, Last: last, What: fmt.Sprintf(format, args...)}
}

// unreadable takes a line that is none.
func (c *chain) unreadable(p place, err error) {
	c.flushMoved()
	if c.broken != nil { // a run is one finding
		return
	}
	f := p.finding(Unreadable, 0, 0, "%v", err)
	c.broken = &f
}

// take takes the next line.
func (c *chain) take(p place, l *line, digest mail.Digest) {
	head := Head{l.Seq, digest}
	for i := range c.wanted {
		c.wanted[i].found = c.wanted[i].found || c.wanted[i].Head == head
	}
	if c.end.Seq > 0 && l.Seq <= c.end.Seq {
		c.late(p, l)
		return
	}
	c.flushMoved()
	switch {
	case l.Seq > c.end.Seq+1:
		c.missing(p, c.end.Seq+1, l.Seq-1)
	case l.Seq == 1 && l.Prev != mail.Digest{}:
		c.report(p.finding(Edited, 1, 1, "the first entry names one before it"))
	case l.Prev != c.end.SHA256:
		c.report(p.finding(Edited, c.end.Seq, c.end.Seq,
			"it is not the entry that %d, which stands here, names: one of them was changed", l.Seq))
	}
	c.flushBroken()
	c.end = head
}

// missing notes entries that should stand before the line at p. When lines
// that cannot be read stand there, they are these.
func (c *chain) missing(p place, first, last uint64) {
	if c.broken != nil {
		c.broken.First, c.broken.Last = first, last
		c.flushBroken()
		return
	}
	if len(c.gaps) < maxGaps {
		c.gaps = append(c.gaps, gap{first, last, p.file, p.line, p.off})
		return
	}
	c.report(p.finding(Removed, first, last, "they are missing before this line"))
}

func (c *chain) flushBroken() {
	if c.broken != nil {
		c.report(*c.broken)
		c.broken = nil
	}
}

// late takes a line that should have come before.
func (c *chain) late(p place, l *line) {
	what := "they stand behind entry %d"
	if !c.fill(l.Seq) {
		what = "they stand behind entry %d a second time"
	}
	if c.moved != nil && c.moved.Last+1 == l.Seq && c.moved.What == fmt.Sprintf(what, c.end.Seq) {
		c.moved.Last++
		return
	}
	c.flushMoved()
	f := p.finding(Reordered, l.Seq, l.Seq, what, c.end.Seq)
	c.moved = &f
}

func (c *chain) flushMoved() {
	if c.moved != nil {
		c.report(*c.moved)
		c.moved = nil
	}
}

// fill takes a seq out of the gaps and reports whether it was in one.
func (c *chain) fill(seq uint64) bool {
	for i, g := range c.gaps {
		if seq < g.first || g.last < seq {
			continue
		}
		before, after := g, g
		before.last, after.first = seq-1, seq+1
		var left []gap
		for _, part := range []gap{before, after} {
			if part.first <= part.last {
				left = append(left, part)
			}
		}
		c.gaps = append(c.gaps[:i:i], append(left, c.gaps[i+1:]...)...)
		return true
	}
	return false
}

// finish reports what can only be said at the end.
func (c *chain) finish() {
	c.flushMoved()
	c.flushBroken()
	for _, g := range c.gaps {
		c.report(place{g.file, g.line, g.off}.finding(Removed, g.first, g.last, "they are missing before this line"))
	}
	cut := Finding{Kind: Cut, First: c.end.Seq + 1, Last: c.end.Seq}
	for _, w := range c.wanted {
		switch {
		case w.found:
		case w.Seq > cut.Last:
			cut.Last, cut.What = w.Seq, "they were written, as "+w.who+" says, and are missing at the end"
		case w.Seq <= c.end.Seq:
			c.report(Finding{Kind: Edited, First: w.Seq, Last: w.Seq, What: "it is not the entry that " + w.who + " names"})
		}
	}
	if cut.What != "" {
		c.report(cut)
	}
}
