// Package export writes messages in formats that other programs read: a folder
// of .eml files, an mbox, a Maildir, a .zip or a .tgz.
//
// In come messages, each with its row, its arrivals and a way to its bytes; out
// go their exact bytes and a manifest with a line for each: digests, envelope
// and headers, and why a message is missing. Bytes are compared with their
// digest before any of them is written. When [ToFile] or [ToFolder] returns
// nil, files, names and manifest survive power loss. After an error or a crash
// [ToFile] leaves nothing under the final name (a temporary file, at most, that
// the next run replaces); [ToFolder] leaves whole messages and no manifest, and
// goes on from there when it is told to resume. [ToStream] promises nothing of
// what is on the other side; a stream that was cut short ends so that its
// reader notices, but for an mbox, which has no end mark.
//
// Memory does not grow with the number or the size of the messages.
//
// How the files follow a message: message.go (what comes in), stage.go (its
// bytes, checked), delivered.go (lines in front), run.go (one after the other),
// mbox.go, tgz.go, zip.go, eml.go and maildir.go (the formats), manifest.go and
// readme.go (what lies beside), target.go and folder.go (where to).
package export
