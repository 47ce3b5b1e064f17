// Package vault keeps exact bytes: it is the truth that everything else in the
// archive is made from.
//
// In come an envelope and staged content ([Vault.Stage], [Vault.Append]); out
// go the arrival's ID and number, and later the same bytes ([Vault.Open],
// [Vault.Walk]). When Append returns nil, content and record are on disk, the
// file and its folder synced. A crash leaves bytes behind the last commit, with
// nothing acknowledged among them; [Open] makes them whole or moves them to
// torn/.
//
// The format is described in doc/formats/vault-1.md: append-only segments of
// independent zstd frames that hold whole tar entries, closed commit by commit
// with a mark.
//
// How the files of this package follow a message: staged.go (content on its
// way in), writer.go (one goroutine that groups what waits), commit.go (tar
// entries, frames, mark), segment.go (the file that grows). What a start does:
// recover.go, with identity.go (whose vault it is), tail.go (the segments that
// a crash may have torn), sector.go, torn.go, secure.go (the last commit) and
// index.go (positions). How it is read: window.go and scan.go (bytes, frames,
// commits), read.go and walk.go (messages on their way out), check.go, spans.go
// and verify.go (all of it).
package vault
