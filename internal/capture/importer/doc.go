// Package importer takes mail out of files and folders into the archive.
//
// In come paths: single messages of any file name, mbox files, Maildir and
// Maildir++ trees, Apple and Thunderbird folders of mboxes, each also
// compressed with gzip where it is a file. Out go calls of [Archive.Accept],
// one for every message, and an [Outcome] for every message and every file that
// was left aside. When an outcome says stored, the archive has said yes: bytes
// and record are on its disk. The source is only ever read.
//
// A crash, of the importer or of the archive, leaves the outcomes reported so
// far true. Every message has a key (mail.Origin.Key) that is the same at each
// run, and the archive is asked for it before anything is handed over; so the
// same import started again stores exactly the rest.
//
// How the files follow a message: walk.go (which files there are), detect.go
// (what they are), folder.go and maildir.go (what their names say), mbox.go
// with postmark.go and cl2.go (one file into its messages), content.go (bytes
// and digest of one message), key.go (its name across runs), hand.go (over to
// the archive, with patience), run.go (all of it), report.go (what is told).
package importer
