package audit

import (
	"fmt"
	"strings"
)

// Kind says what was done to the record, as far as the files can tell.
type Kind string

// The kinds of finding.
const (
	Edited     Kind = "edited"     // a line is not the one that was written
	Unreadable Kind = "unreadable" // a line cannot be read as one
	Removed    Kind = "removed"    // entries are missing with others behind them
	Cut        Kind = "cut"        // entries are missing at the end
	Reordered  Kind = "reordered"  // entries stand in another place, or twice
	Surplus    Kind = "surplus"    // bytes that belong to no entry
	HeadLost   Kind = "head"       // the head file is missing, damaged or another's
)

// Finding is one fault in the record, with its place.
type Finding struct {
	Kind   Kind   `json:"kind"`
	File   string `json:"file,omitempty"`   // within the folder
	Line   int    `json:"line,omitempty"`   // from 1; 0 when not counted
	Offset int64  `json:"offset,omitempty"` // where in the file, in bytes
	First  uint64 `json:"first,omitempty"`  // seq of the entries it is about, 0 when not known
	Last   uint64 `json:"last,omitempty"`
	What   string `json:"what"`
}

// String is the finding for a person: what, where and which entries.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(string(f.Kind))
	switch {
	case f.Line > 0:
		fmt.Fprintf(&b, ": %s, line %d", f.File, f.Line)
	case f.File != "":
		fmt.Fprintf(&b, ": %s, byte %d", f.File, f.Offset)
	}
	switch {
	case f.First != f.Last:
		fmt.Fprintf(&b, ": entries %d to %d", f.First, f.Last)
	case f.First > 0:
		fmt.Fprintf(&b, ": entry %d", f.First)
	}
	return b.String() + ": " + f.What
}
