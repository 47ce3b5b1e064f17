package importer

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// container is a file format that we know by its first bytes and cannot read.
type container struct {
	magic  string
	suffix string
	advice string
}

// containers lists them; with a suffix it must match as well, an entry without
// magic goes by suffix alone.
func containers() []container {
	const (
		pst      = "Outlook data file, not supported yet: convert it with `readpst -o FOLDER -D -r FILE` and import the folder"
		unpack   = "packed folder, not supported: unpack it and import the folder"
		compress = "compressed file, not supported: decompress it first (gzip is understood)"
	)
	return []container{
		{magic: "!BDN", advice: pst},
		{magic: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", suffix: ".msg",
			advice: "Outlook message, not supported yet: convert it with `msgconvert FILE` and import the .eml"},
		{magic: "\xcf\xad\x12\xfe", advice: "Outlook Express folder, not supported yet: convert it with `readdbx`"},
		{magic: "\x78\x9f\x3e\x22", advice: "TNEF (winmail.dat), not supported on its own: import the message it was attached to"},
		{suffix: ".emlx", advice: "Apple Mail message, not supported yet: export the mailbox from Mail as .mbox and import that"},
		{magic: "PK\x03\x04", advice: unpack},
		{magic: "7z\xbc\xaf\x27\x1c", advice: unpack},
		{magic: "\x28\xb5\x2f\xfd", advice: compress},
		{magic: "\xfd7zXZ\x00", advice: compress},
		{magic: "BZh", advice: compress},
	}
}

// unsupported returns what to do with a file in a format that we cannot read;
// empty for all others.
func unsupported(lower string, head []byte) string {
	for _, c := range containers() {
		if strings.HasSuffix(lower, c.suffix) && bytes.HasPrefix(head, []byte(c.magic)) {
			return c.advice
		}
	}
	return ""
}

// isControl reports whether a mail program keeps a file of this name, in lower
// case, beside mail: indexes, locks, lists of folders. They hold no mail.
func isControl(lower string) bool {
	for _, p := range []string{"dovecot", "cyrus.", "courierimap", "courierpop3"} {
		if strings.HasPrefix(lower, p) {
			return true
		}
	}
	names := []string{
		".ds_store", "thumbs.db", "desktop.ini", "maildirfolder", "maildirsize", "subscriptions",
		".mh_sequences", "popstate.dat", "msgfilterrules.dat", "table_of_contents", "info.plist",
	}
	suffixes := []string{".msf", ".lock", ".cmeta", ".ev-summary", ".ev-summary-meta"}
	return slices.Contains(names, lower) || slices.Contains(suffixes, path.Ext(lower)) ||
		strings.HasSuffix(lower, ".ibex.index") || strings.HasSuffix(lower, ".ibex.index.data")
}
