package importer

import (
	"context"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// Back returns the bounds for [Options] of a number of days back from the end
// of the day that start is in, in its time zone: with 1, that day.
func Back(start time.Time, days int) (since, before time.Time) {
	y, m, d := start.Date()
	before = time.Date(y, m, d+1, 0, 0, 0, 0, start.Location())
	return time.Date(y, m, d+1-days, 0, 0, 0, 0, start.Location()), before
}

// chosen lets visit see only what the options ask for.
func (r *run) chosen(visit func(context.Context, found) error) func(context.Context, found) error {
	return func(ctx context.Context, f found) error {
		path := f.path
		if f.names != nil {
			path = filepath.Join(path, f.names[0])
		}
		if f.info != nil && r.o.pass != nil && r.o.pass(path, f.info) {
			return nil
		}
		if f.info != nil && f.reason == "" && f.err == nil {
			f.reason = r.o.outside(f)
		}
		return visit(ctx, f)
	}
}

// outside returns why a file is not of the dates asked for; empty when it is.
func (o Options) outside(f found) string {
	if o.Since.IsZero() && o.Before.IsZero() {
		return ""
	}
	name := filepath.Base(f.path)
	if f.names != nil {
		name = f.unique
	}
	if isArchiveName(name) {
		return "" // its name says a month; the files in it have dates of their own
	}
	return o.outsideDate(fileDate(name, f.info.ModTime(), o.zone()))
}

func (o Options) outsideDate(date time.Time) string {
	if date.Before(o.Since) || !o.Before.IsZero() && !date.Before(o.Before) {
		return "dated " + date.Format(time.DateOnly) + ", outside the dates asked for"
	}
	return ""
}

// zone is the one that dates in names are read in.
func (o Options) zone() *time.Location {
	if o.Since.IsZero() {
		return o.Before.Location()
	}
	return o.Since.Location()
}

var archiveSuffix = regexp.MustCompile(`(?i)\.(tgz|tar|tar\.gz|enc|gpg|pgp|mbox|mbox\.gz)$`)

func isArchiveName(name string) bool { return archiveSuffix.MatchString(name) }

// A date in a file name: 2010-10-31 or 20101031, also 10-10-31 as the old
// system's options have it, or seconds since 1970, at no place where a longer
// row of digits would be cut.
var (
	longDate  = regexp.MustCompile(`(?:^|\D)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?:\D|$|[T_]?\d{6}(?:\D|$)|\d{4}(?:\D|$))`)
	unixDate  = regexp.MustCompile(`(?:^|\D)(1\d{9})(?:\D|$)`)
	shortDate = regexp.MustCompile(`(?:^|\D)(\d\d)[-_](0[1-9]|1[0-2])[-_](0[1-9]|[12]\d|3[01])(?:\D|$)`)
)

// fileDate returns the date that a file's name says, at the start of that day
// in the zone, else the time of its last change.
func fileDate(name string, modified time.Time, zone *time.Location) time.Time {
	if t, ok := nameDate(name, zone); ok {
		return t
	}
	return modified.In(zone)
}

func nameDate(name string, zone *time.Location) (time.Time, bool) {
	if m := longDate.FindStringSubmatch(name); m != nil {
		return dayOf(m[1], m[2], m[3], zone)
	}
	if m := unixDate.FindStringSubmatch(name); m != nil {
		seconds, err := strconv.ParseInt(m[1], 10, 64)
		return time.Unix(seconds, 0).In(zone), err == nil
	}
	if m := shortDate.FindStringSubmatch(name); m != nil {
		return dayOf("20"+m[1], m[2], m[3], zone)
	}
	return time.Time{}, false
}

// dayOf returns the start of a day; false when the month has none of that
// number.
func dayOf(year, month, day string, zone *time.Location) (time.Time, bool) {
	t, err := time.ParseInLocation(time.DateOnly, year+"-"+month+"-"+day, zone)
	return t, err == nil
}

// spoolTime returns when the old system had a message: the time of the file's
// last change if it is that of the day in its name or next to it, else that
// day. Zero when the name has no date, for a copy may have a new time.
func spoolTime(name string, modified time.Time) time.Time {
	day, ok := nameDate(name, time.UTC)
	if !ok {
		return time.Time{}
	}
	if apart := modified.Sub(day); apart > -24*time.Hour && apart < 48*time.Hour {
		return modified.UTC()
	}
	return day
}

// changed returns when a file was last changed or got its name: the time that
// a program cannot set (inode(7), st_ctim), else the one that it can.
func changed(info fs.FileInfo) time.Time {
	if t, ok := changeTime(info); ok && t.After(info.ModTime()) {
		return t
	}
	return info.ModTime()
}
