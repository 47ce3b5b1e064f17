package export

import (
	"strings"
)

// ReadmeName is the name of the file that says how to read an export.
const ReadmeName = "README.txt"

// readme returns what lies in a folder or archive file for people who have no
// program of ours. It is the same for the same options, and so tells whether a
// folder is an unfinished export of the same kind.
func readme(o Options) string {
	var b strings.Builder
	b.WriteString("Mail exported by Mail Archive\n\n")
	if title := strings.Join(strings.Fields(strings.ToValidUTF8(o.Title, "\uFFFD")), " "); title != "" {
		b.WriteString("What was asked for: " + title + "\n\n")
	}
	b.WriteString(readmeFormat(o.Format))
	b.WriteString(readmeManifest)
	if o.DeliveredTo {
		b.WriteString(readmeFront)
	}
	return b.String()
}

func readmeFormat(f Format) string {
	if f == Maildir {
		return `This folder is a Maildir: a file in cur or new is a message, with its exact
bytes. Any mail program that reads Maildir opens it.

`
	}
	where := "ID.eml"
	if !f.IsFolder() {
		where = "messages/ID.eml"
	}
	return where + ` is a message, with its exact bytes; mail programs open it. ID is
the archive's name for it.

`
}

const readmeManifest = `MANIFEST.jsonl has a line of JSON (UTF-8) for each message: id; sha256 and size
of the message as it was archived; file; received, the time at which the archive
had it; subject, from, to, cc, date as the message says; arrivals, each with the
sender (mail_from) and every recipient (rcpt_to) of the envelope. A line with
"error" is a message that is missing here, and says why. MANIFEST.jsonl is
written last: without it the export is not finished.

To check that all is here and unchanged, in this folder:

  jq -r 'select(.file) | (.written.sha256 // .sha256) + "  " + .file' MANIFEST.jsonl | sha256sum -c --quiet

`

const readmeFront = `"X-Clear-Delivered-To: address" lines were put in front of the messages, one for
each recipient of the envelope. "written" has size and sha256 with these lines,
and in "front" how many bytes they are. Without them the message is as it was
archived:

  tail -c +$((FRONT + 1)) FILE | sha256sum

`
