// Package audit keeps the record of who did what: append-only, chained by
// digests, in files that stock tools read and check.
//
// In comes an [Entry] before its act ([Log.Record]); out goes nil when the act
// may happen, and later the entries again ([Log.Walk]) and whether all of them
// are still as they were written ([Log.Verify]). When Record returns nil, the
// entry is on disk, the file and its folder synced; on an error the act must
// not happen. A crash leaves bytes behind the last entry that anybody was told
// of; [Open] keeps whole entries among them and moves the rest to torn/.
//
// The format is described in doc/formats/audit-1.md: JSON lines, one file a
// month, each line with the SHA-256 of the line before it.
//
// How the files of this package follow an entry: entry.go and line.go (what is
// written), writer.go (one goroutine that groups what waits), file.go (the
// file that grows), head.go (how far it got). What a start does: recover.go,
// with tail.go (the end that a crash may have torn), surplus.go, torn.go and
// secure.go. How it is read: lines.go, bisect.go and walk.go, verify.go and
// chain.go.
package audit
