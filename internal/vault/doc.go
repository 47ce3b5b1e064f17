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
// Bytes leave only by [Vault.Release], once a record ([Vault.Seal]) says which
// verified archive file has them: the segment is written anew without them, and a
// crash leaves the old file or the new one. They come back by
// [Vault.AppendRestored].
//
// The format is described in doc/formats/vault-1.md and vault-2.md: append-only segments of
// independent zstd frames that hold whole tar entries, closed commit by commit
// with a mark.
//
// How the files of this package follow a message: staged.go (content on its
// way in), append.go and writer.go (one goroutine that groups what waits), commit.go (tar
// entries, frames, mark), segment.go (the file that grows). What a start does:
// recover.go, with identity.go (whose vault it is), tail.go (the segments that
// a crash may have torn), sector.go, torn.go, secure.go (the last commit) and
// index.go (positions). How it is read: window.go and scan.go (bytes, frames,
// commits), read.go and walk.go (messages on their way out), content.go (their bytes), check.go,
// spans.go, verify.go and verifyspan.go (all of it). What is not an arrival: kind.go
// and note.go; how bytes leave and come back: release.go, rewrite.go, restore.go.
package vault
