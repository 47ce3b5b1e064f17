// Package seal makes archive files and reads them again: a month of mail in
// one file that opens with tar, gzip, gpg and jq, and with nothing of ours.
//
// In come messages by rising number, each with its record, its exact bytes and
// what the catalog knows of it ([Item]); out go files named like Oct-2026.tgz or
// Oct-2026.enc ([Maker.Make]), and later the same records and bytes ([Open]).
// When Make returns nil, each file it names is on disk under that name, was
// synced, read back, and had every digest compared; file and folder survive
// power loss. A crash leaves files under temporary names, which the next Make
// takes away, and at most whole, verified files that nobody was told of.
//
// The format is described in doc/formats/archive-1.md: a tar file in a row of
// independent gzip members, each of which carries its length, number and
// digest, so that a file can be entered anywhere and a flipped bit is found.
//
// How the files of this package follow a message: item.go and manifest.go
// (what comes in), make.go and file.go (a month, one file of it), pack.go (tar
// entries into members), compress.go and member.go (members into bytes),
// encrypt.go, cfb.go and partial.go (bytes into OpenPGP). How it is read: decrypt.go, stream.go
// (members), entries.go (tar entries), scan.go and judge.go (all of a file, each
// digest), index.go, open.go, tape.go and unlock.go (one message), salvage.go (what is left of a
// damaged file).
package seal
