package importer

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"mailarchive/internal/mail"
)

// Kind is what a file or folder turns out to be.
type Kind int

// The kinds.
const (
	KindUnknown     Kind = iota // nothing that we know; no mail is taken from it
	KindEML                     // one message
	KindMbox                    // an mbox file
	KindGzip                    // a gzip file; what is inside decides
	KindTar                     // a tar file; its files may be messages
	KindEncrypted               // an encrypted archive; what is inside decides
	KindMaildir                 // a folder with cur and new
	KindFolder                  // any other folder
	KindControl                 // an index, lock or settings file of a mail program
	KindUnsupported             // mail, or a container of it, that we cannot read yet
)

// Format says what to take files for, when their content is not to decide.
type Format string

// The formats; each of the four dialects is one as well.
const (
	FormatAuto Format = ""    // by content; an mbox is read as mboxrd
	FormatEML  Format = "eml" // every file is one message
	// FormatSpool is the old system's folder: every file is one message,
	// unless it is one of its archives.
	FormatSpool Format = "spool"
)

// ParseFormat reads the name of a format: auto (or nothing), eml, spool,
// mboxrd, mboxo, mboxcl, mboxcl2. The error wraps mail.ErrBadInput.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case "auto":
		return FormatAuto, nil
	case FormatAuto, FormatEML, FormatSpool, Format(Mboxrd), Format(Mboxo), Format(Mboxcl), Format(Mboxcl2):
		return f, nil
	}
	return "", fmt.Errorf("%q is no format (auto, eml, spool, mboxrd, mboxo, mboxcl, mboxcl2): %w", s, mail.ErrBadInput)
}

// dialect returns how to read an mbox. Nothing in a file tells mboxrd from
// mboxo for certain. They differ only on lines that begin with ">>From ": as
// mboxrd such a line was ">From ", as mboxo it was ">>From ", which is far
// rarer; so mboxrd it is, unless told otherwise.
func (f Format) dialect() Dialect {
	if f == FormatAuto || f == FormatEML || f == FormatSpool {
		return Mboxrd
	}
	return Dialect(f)
}

// headSize is how many bytes of a file Detect is given, at most.
const headSize = 16 << 10

// Detect says what a file is, by its first bytes and, where they leave doubt,
// its name. A file named .eml is one message whatever is in it, a "From " line
// at its start included: that line was in the file, so it belongs to the bytes.
// For KindUnsupported it also returns what to do.
func Detect(name string, head []byte) (kind Kind, advice string) {
	lower := strings.ToLower(name)
	if strings.HasSuffix(lower, ".eml") {
		return KindEML, ""
	}
	if isControl(lower) {
		return KindControl, ""
	}
	if advice := unsupported(lower, head); advice != "" {
		return KindUnsupported, advice
	}
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b\x08")): // RFC 1952 2.3.1
		return KindGzip, ""
	case isTar(head):
		return KindTar, ""
	case isEncrypted(lower, head):
		return KindEncrypted, ""
	case startsMbox(lower, head):
		return KindMbox, ""
	case startsHeader(head):
		return KindEML, ""
	}
	return KindUnknown, ""
}

// DetectDir says what a folder is by its entries: a Maildir has two of the
// three folders cur, new and tmp, and cur or new among them (copies often lack
// the empty ones).
func DetectDir(entries []fs.DirEntry) Kind {
	var boxes, all int
	for _, e := range entries {
		switch n := e.Name(); {
		case !e.IsDir():
		case n == "cur" || n == "new":
			boxes, all = boxes+1, all+1
		case n == "tmp":
			all++
		}
	}
	if boxes > 0 && all > 1 {
		return KindMaildir
	}
	return KindFolder
}

// startsMbox reports whether the first line that is not empty is a From_ line.
// In a file named as an mbox it need not have a date, nor be the first.
func startsMbox(lower string, head []byte) bool {
	for line := emptyLine(head); line != nil; line = emptyLine(head) {
		head = head[len(line):]
	}
	named := strings.HasSuffix(lower, ".mbox") || lower == "mbox"
	if !bytes.HasPrefix(head, fromSpace) {
		return named && bytes.Contains(head, []byte("\nFrom "))
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	_, ok := postmark(bytes.TrimSuffix(line, []byte("\r")))
	return ok || named
}

// mailFields are header fields of which a message that deserves the name has
// one at least (RFC 5322 3.6 and what mail transports add).
const mailFields = " from to cc bcc subject date received message-id return-path " +
	"mime-version content-type delivered-to reply-to sender resent-from resent-to " +
	"x-envelope-to x-original-to dkim-signature arc-seal authentication-results "

// startsHeader reports whether head begins with header fields, one of them a
// field of mail. Folded lines and ">From " or "From " lines between them are
// taken as old files have them.
func startsHeader(head []byte) bool {
	known, fields := false, 0
	for len(head) > 0 {
		line, rest, complete := bytes.Cut(head, []byte("\n"))
		head = rest
		line = bytes.TrimSuffix(line, []byte("\r"))
		name, isField := fieldName(line)
		switch {
		case len(line) == 0:
			return known
		case isField:
			fields++
			known = known || strings.Contains(mailFields, " "+strings.ToLower(name)+" ")
		case fields > 0 && (line[0] == ' ' || line[0] == '\t'):
		case bytes.HasPrefix(bytes.TrimLeft(line, ">"), fromSpace):
		default:
			return known && !complete // cut by the end of head
		}
	}
	return known
}

// fieldName reads the name of a header field (RFC 5322 2.2; blanks before the
// colon as in 4.5).
func fieldName(line []byte) (string, bool) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 || i > 200 {
		return "", false
	}
	name := strings.TrimRight(string(line[:i]), " \t")
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' {
			return "", false
		}
	}
	return name, name != ""
}
