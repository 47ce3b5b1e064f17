package sqlite

import (
	"context"
	"database/sql"
	"time"
)

// numbering turns sort dates into docids and back.
type numbering struct{ bits uint }

// lastDay is far behind any year that a date can have in mail.
const lastDay = 1 << 22

// day is the number of the UTC day since 1970. Earlier dates all fall on day
// 0; the walk sorts within a day by time, so their order is kept.
func (n numbering) day(ms int64) int64 {
	if ms < 0 {
		return 0
	}
	return min(ms/(24*60*60*1000), lastDay)
}

// first and last are the ends of a day's docids. No document has number 0.
func (n numbering) first(day int64) int64 { return day << n.bits }
func (n numbering) last(day int64) int64  { return (day+1)<<n.bits - 1 }

// dayOf is the day that a docid lies in.
func (n numbering) dayOf(docid int64) int64 { return docid >> n.bits }

// numbers hands out docids within one transaction.
type numbers struct {
	numbering
	tx    *sql.Tx
	given map[int64]int64 // day: last docid given
	spill int64           // the most days that a docid lies behind its day
}

// next returns the next free docid of the day of ms, or of the first day
// behind it that is not full.
func (n *numbers) next(ctx context.Context, ms int64) (int64, error) {
	for day := n.day(ms); ; day++ {
		last, err := n.lastGiven(ctx, day)
		if err != nil {
			return 0, err
		}
		if last < n.last(day) {
			n.given[day] = last + 1
			n.spill = max(n.spill, day-n.day(ms))
			return last + 1, nil
		}
	}
}

func (n *numbers) lastGiven(ctx context.Context, day int64) (int64, error) {
	if last, ok := n.given[day]; ok {
		return last, nil
	}
	last := n.first(day)
	err := n.tx.QueryRowContext(ctx, `SELECT ifnull(max(docid), ?) FROM message WHERE docid BETWEEN ? AND ?`,
		last, n.first(day), n.last(day)).Scan(&last)
	return last, err
}

// millis is the resolution of sort dates.
func millis(t time.Time) int64 { return t.UnixMilli() }

// millisUp is the first millisecond that is not before t.
func millisUp(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}
