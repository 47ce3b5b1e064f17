package redeliver

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"strings"

	"mailarchive/internal/extract"
)

// attachment prepares a small mail that has the exact bytes as an attachment:
// message/rfc822 in base64. RFC 2046 5.2.1 allows that type only 7bit, 8bit and
// binary; it is departed from because those would change the bytes, and
// because mail programs open it all the same.
func (c Composer) attachment(l letter, e *Entry, f *Facts, reason string) composed {
	front := attachmentFront(l, e, f, reason)
	end := []byte("\r\n--" + boundary(e) + "--\r\n")
	return composed{
		form: Attachment, reason: reason,
		written: int64(len(front)) + encodedSize(f.Size) + int64(len(end)),
		write: func(w io.Writer, content io.Reader) error {
			if _, err := w.Write(front); err != nil {
				return err
			}
			if err := writeBase64(w, content); err != nil {
				return err
			}
			_, err := w.Write(end)
			return err
		},
	}
}

// boundary has characters that no line of base64 has, and the text in front is
// ours.
func boundary(e *Entry) string { return "=_" + e.ID.String() }

func attachmentFront(l letter, e *Entry, f *Facts, reason string) []byte {
	var b bytes.Buffer
	b.Write(l.fields(""))
	fmt.Fprintf(&b, "Subject: %s\r\n", subject(f))
	b.WriteString("Auto-Submitted: auto-generated\r\n") // RFC 3834 5
	fmt.Fprintf(&b, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n", boundary(e))
	fmt.Fprintf(&b, "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n", boundary(e))
	fmt.Fprintf(&b, "Attached is a message from the mail archive, exactly as it came in. It was not\r\n"+
		"sent as ordinary mail because\r\n%s.\r\n\r\n", reason)
	fmt.Fprintf(&b, "Archive ID: %s\r\nSize: %d bytes\r\nSHA-256: %s\r\n\r\n", e.Message, e.Size, e.Digest)
	fmt.Fprintf(&b, "--%s\r\nContent-Type: message/rfc822; name=\"%s.eml\"\r\n", boundary(e), e.Message)
	fmt.Fprintf(&b, "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"%s.eml\"\r\n\r\n", e.Message)
	return b.Bytes()
}

// maxSubject is what is shown of the original's subject, in bytes.
const maxSubject = 150

// subject is that of the original, decoded and encoded anew (RFC 2047).
func subject(f *Facts) string {
	m, err := extract.Extract(bytes.NewReader(f.header), extract.Limits{})
	text := strings.Join(strings.Fields(m.Subject), " ")
	if err != nil || text == "" {
		return "Message from the mail archive"
	}
	if len(text) > maxSubject {
		text = strings.ToValidUTF8(text[:maxSubject], "") + "..."
	}
	return mime.QEncoding.Encode("utf-8", "Redelivered: "+text)
}

// encodedLine is the length of a line of base64 (RFC 2045 6.8) and the bytes
// that it holds.
const encodedLine, decodedLine = 76, 57

// encodedSize is the size in base64, a CRLF behind each line but the last.
func encodedSize(n int64) int64 {
	if n == 0 {
		return 0
	}
	return (n+2)/3*4 + (n-1)/decodedLine*2
}

// writeBase64 writes lines with a CRLF between them.
func writeBase64(w io.Writer, content io.Reader) error {
	raw := make([]byte, decodedLine*512)
	var lines []byte
	for first := true; ; first = false {
		n, err := fill(content, raw)
		if err != nil && err != io.EOF {
			return err
		}
		lines = lines[:0]
		for i := 0; i < n; i += decodedLine {
			if !first || i > 0 {
				lines = append(lines, '\r', '\n')
			}
			lines = base64.StdEncoding.AppendEncode(lines, raw[i:min(i+decodedLine, n)])
		}
		if _, werr := w.Write(lines); werr != nil || err == io.EOF {
			return werr
		}
	}
}

// fill is io.ReadFull, but tells the end of the content (io.EOF) from content
// that was cut short (io.ErrUnexpectedEOF of a decompressor, say).
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}
