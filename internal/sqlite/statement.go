package sqlite

import "math"

// The statements of a walk. With an expression the full-text index leads and
// gives docids from the highest down without sorting; without one, table
// message does. CROSS JOIN keeps SQLite from turning that round.

// source returns the tables of a walk, the name of the docid in them and the
// first conditions.
func (p plan) source() (from, docid string, c condition) {
	if p.match == "" {
		return "message m", "m.docid", c
	}
	c.and(`f.fts MATCH ?`, string(p.match))
	return "fts f CROSS JOIN message m ON m.docid = f.rowid", "f.rowid", c
}

// within adds the span of sort dates. Whole days are a range of docids; only
// rows of the days at its ends are looked at. A docid may lie up to spill
// days behind the day of its date.
func (p plan) within(c *condition, docid string, days numbering, spill int64) {
	const date = `(SELECT sort_date FROM message WHERE docid = `
	if p.span.since != math.MinInt64 {
		day := days.day(p.span.since)
		c.and(docid+` >= ?`, days.first(day))
		c.and(docid+` > ? OR `+date+docid+`) >= ?`, days.last(day+spill), p.span.since)
	}
	if p.span.before != math.MaxInt64 {
		day := days.day(p.span.before)
		c.and(docid+` <= ?`, days.last(day+spill))
		c.and(docid+` < ? OR `+date+docid+`) < ?`, days.first(day), p.span.before)
	}
}

func (p plan) conditions(days numbering, spill int64) (from, docid string, c condition) {
	from, docid, c = p.source()
	p.within(&c, docid, days, spill)
	if p.rest.sql != "" {
		c.and(p.rest.sql, p.rest.args...)
	}
	return from, docid, c
}

// byDay finds docid and sort date of the matches below a docid, the highest
// first.
func (p plan) byDay(days numbering, spill, below int64) (sql string, args []any) {
	from, docid, c := p.conditions(days, spill)
	c.and(docid+` < ?`, below)
	return `SELECT ` + docid + `, m.sort_date FROM ` + from + ` WHERE ` + c.sql +
		` ORDER BY ` + docid + ` DESC`, c.args
}

// byTime finds the newest matches of a day behind a key, if there is one; bound
// behind the arguments is a limit. SQLite sorts what is wanted only.
func (p plan) byTime(days numbering, spill, day int64, after key) (sql string, args []any) {
	from, docid, c := p.conditions(days, spill)
	c.and(docid+` >= ?`, days.first(day))
	c.and(docid+` <= ?`, days.last(day))
	if after != (key{}) {
		c.and(`(m.sort_date, `+docid+`) < (?, ?)`, after.place, after.docid)
	}
	return `SELECT ` + docid + `, m.sort_date FROM ` + from + ` WHERE ` + c.sql +
		` ORDER BY m.sort_date DESC, ` + docid + ` DESC LIMIT ?`, c.args
}

// byArrival finds docid and first seq of the matches, the highest seq first;
// bound behind the arguments are the seq to stay below and a limit. Here the
// table leads and the index is asked for the set of docids.
func (p plan) byArrival(days numbering, spill int64) (sql string, args []any) {
	var c condition
	if p.match != "" {
		c.and(`m.docid IN (SELECT rowid FROM fts WHERE fts MATCH ?)`, string(p.match))
	}
	p.within(&c, "m.docid", days, spill)
	if p.rest.sql != "" {
		c.and(p.rest.sql, p.rest.args...)
	}
	c.and(`m.first_seq < ?`)
	return `SELECT m.docid, m.first_seq FROM message m WHERE ` + c.sql +
		` ORDER BY m.first_seq DESC LIMIT ?`, c.args
}

// counting counts the matches; bound behind the arguments is the number to
// stop at.
func (p plan) counting(days numbering, spill int64) (sql string, args []any) {
	from, _, c := p.conditions(days, spill)
	if p.match != "" && p.rest.sql == "" {
		from = "fts f" // no row is needed
	}
	where := ""
	if c.sql != "" {
		where = ` WHERE ` + c.sql
	}
	return `SELECT count(*) FROM (SELECT 1 FROM ` + from + where + ` LIMIT ?)`, c.args
}
