package web

import (
	"net/http"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// How much the plots show, and how many senders and recipients are listed.
const (
	plottedHours  = 24
	plottedMonths = 24
	ranked        = 6
)

// overviewPage is how the archive is doing.
type overviewPage struct {
	control.Stats
	Today, Month, Before catalog.Amount // by the date of the mail
	Hours, Months        chart
	Senders, Recipients  []rank
}

// Behind is how many messages are not searchable yet.
func (p overviewPage) Behind() uint64 {
	if p.Indexed >= p.Stored {
		return 0
	}
	return p.Stored - p.Indexed
}

// Ratio is how much smaller the mail is on the disk; 0 for an empty archive.
func (p overviewPage) Ratio() float64 {
	if p.BytesDisk == 0 || p.BytesRaw == 0 {
		return 0
	}
	return float64(p.BytesRaw) / float64(p.BytesDisk)
}

func (s *Server) overview(v *visit) error {
	stats, err := s.stats(v)
	if err != nil {
		return err
	}
	page := overviewPage{Stats: stats}
	for _, fill := range []func(*overviewPage) error{v.addHours, v.addMonths, v.addRanks} {
		if err := fill(&page); err != nil {
			return err
		}
	}
	return v.show("overview", http.StatusOK, page)
}

// addHours adds the mail of the last hours and days, counted where the viewer's
// days begin.
func (v *visit) addHours(p *overviewPage) error {
	now := v.begun.In(v.zone)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, v.zone)
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, v.zone)
	first := now.Truncate(time.Hour).Add(-(plottedHours - 1) * time.Hour)
	since := month
	if first.Before(since) {
		since = first
	}
	periods, err := v.s.Archive.Volume(v.ctx(), v.who.Scope, catalog.Hour, since.Add(-time.Hour), now.Add(time.Hour))
	if err != nil {
		return err
	}
	bars := make([]bar, plottedHours)
	for i := range bars {
		bars[i].Start = first.Add(time.Duration(i) * time.Hour)
		bars[i].Label = v.words.date("date.time", bars[i].Start.In(v.zone))
	}
	for _, period := range periods {
		sum(&p.Today, period, today)
		sum(&p.Month, period, month)
		if i := int(period.Start.Sub(first.Truncate(time.Hour)) / time.Hour); i >= 0 && i < len(bars) && !period.Start.Before(first.Truncate(time.Hour)) {
			bars[i].add(period)
		}
	}
	p.Hours = v.newChart(bars, v.s.Language.Directions)
	return nil
}

func sum(total *catalog.Amount, p catalog.Period, since time.Time) {
	if !p.Start.Before(since.Truncate(time.Hour)) {
		total.Messages += p.Messages
		total.Bytes += p.Bytes
	}
}

// addMonths adds the mail of the last months, which are counted in UTC.
func (v *visit) addMonths(p *overviewPage) error {
	now := v.begun.UTC()
	first := time.Date(now.Year(), now.Month()-plottedMonths+1, 1, 0, 0, 0, 0, time.UTC)
	periods, err := v.s.Archive.Volume(v.ctx(), v.who.Scope, catalog.Month, first, now)
	if err != nil {
		return err
	}
	bars := make([]bar, plottedMonths)
	for i := range bars {
		bars[i].Start = first.AddDate(0, i, 0)
		bars[i].Label = v.words.date("date.month", bars[i].Start)
		bars[i].Path = searchPath("date:"+bars[i].Start.Format("2006-01"), nil)
		bars[i].Dim = i == len(bars)-1
	}
	for _, period := range periods {
		i := (period.Start.Year()-first.Year())*12 + int(period.Start.Month()-first.Month())
		if i >= 0 && i < len(bars) {
			bars[i].add(period)
		}
	}
	p.Before = catalog.Amount{Messages: uint64(bars[len(bars)-2].Total)}
	p.Months = v.newChart(bars, false)
	return nil
}

// rank is one of the most frequent values.
type rank struct {
	Value, Path string
	Messages    uint64
	Percent     float64 // of the most frequent one
}

func (v *visit) addRanks(p *overviewPage) (err error) {
	if p.Senders, err = v.ranks(catalog.BySender, "from"); err != nil {
		return err
	}
	p.Recipients, err = v.ranks(catalog.ByRecipient, "to")
	return err
}

func (v *visit) ranks(of catalog.Dimension, field string) (list []rank, err error) {
	tallies, err := v.s.Archive.Top(v.ctx(), v.who.Scope, of, ranked)
	if err != nil {
		return nil, err
	}
	for _, t := range tallies {
		term := filter{Field: field, Op: opContains, Value: t.Value}.term()
		list = append(list, rank{t.Value, searchPath(term, nil), t.Messages, 100 * float64(t.Messages) / float64(tallies[0].Messages)})
	}
	return list, nil
}

// ways of a bar, from the ground up; what has no direction stands with the
// incoming.
func (b *bar) add(p catalog.Period) {
	out, within := p.Ways[mail.Out].Messages, p.Ways[mail.Internal].Messages
	b.Total += int(p.Messages)
	b.Out += int(out)
	b.Internal += int(within)
}
