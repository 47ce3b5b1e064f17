package retrieve

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"mailarchive/internal/access"
	"mailarchive/internal/extract"
)

// View is a message for reading.
type View struct {
	Message
	// Read is what was read of the content just now: participants, text,
	// attachments, problems.
	Read extract.Message
	// Header are the fields of the header in their order.
	Header []Field
}

// Field is a header field as it stands, its folding and encoding included.
// What is not UTF-8 in it is replaced.
type Field struct{ Name, Value string }

// Limits of the header that a view shows: of a larger one the beginning.
const (
	maxHeader = 1 << 20
	maxFields = 10_000
)

// Show opens a message as Open does and reads it.
func (d *Door) Show(ctx context.Context, asker access.Scope, ref string) (View, error) {
	m, content, err := d.Open(ctx, asker, ref, ToShow)
	if err != nil {
		return View{Message: m}, err
	}
	defer content.Close()
	v := View{Message: m}
	var head bytes.Buffer
	both := io.TeeReader(content, &firstBytes{&head, maxHeader})
	if v.Read, err = extract.Extract(both, extract.DefaultLimits()); err != nil {
		return v, fmt.Errorf("retrieve %s: %w", m.ID, err)
	}
	v.Header = Header(&head)
	return v, nil
}

// firstBytes keeps the first left bytes that are written to it.
type firstBytes struct {
	to   *bytes.Buffer
	left int
}

// Write never fails.
func (f *firstBytes) Write(p []byte) (int, error) {
	n := min(f.left, len(p))
	f.to.Write(p[:n])
	f.left -= n
	return len(p), nil
}

// Header reads fields up to the empty line (RFC 5322 2.1). A line that is
// neither a field nor part of one ends the header, as a mailbox's "From " line
// in front does not.
func Header(r io.Reader) (fields []Field) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxHeader+1)
	for first := true; lines.Scan() && len(fields) < maxFields; first = false {
		line := strings.ToValidUTF8(strings.TrimSuffix(lines.Text(), "\r"), "\uFFFD")
		name, value, colon := strings.Cut(line, ":")
		switch {
		case line == "":
			return fields
		case (line[0] == ' ' || line[0] == '\t') && len(fields) > 0: // folded, RFC 5322 2.2.3
			fields[len(fields)-1].Value += "\n" + line
		case colon && isName(name):
			fields = append(fields, Field{strings.TrimRight(name, " \t"), strings.TrimLeft(value, " \t")})
		case !first:
			return fields
		}
	}
	return fields
}

// isName reports whether s may stand in front of a colon: printable ASCII
// (RFC 5322 3.6.8), with the white space before the colon of RFC 5322 4.5.
func isName(s string) bool {
	s = strings.TrimRight(s, " \t")
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
