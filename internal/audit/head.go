package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Head names the end of the record: whoever keeps one elsewhere can prove later
// that nothing up to it was changed or cut off. The zero Head is that of an
// empty record.
type Head struct {
	Seq    uint64      `json:"seq"`
	SHA256 mail.Digest `json:"sha256"`
}

// String is "SEQ SHA256", which ParseHead reads.
func (h Head) String() string { return fmt.Sprintf("%d %s", h.Seq, h.SHA256) }

// ParseHead reads what String wrote. The error wraps mail.ErrBadInput.
func ParseHead(text string) (Head, error) {
	number, digest, ok := strings.Cut(strings.TrimSpace(text), " ")
	seq, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil {
		return Head{}, fmt.Errorf("%.100q is no head (a number, a space, 64 hexadecimal digits): %w", text, mail.ErrBadInput)
	}
	d, err := mail.ParseDigest(digest)
	return Head{seq, d}, err
}

// headFile says how far the record got, in a file that cutting off the end of
// another does not reach.
const headFile = "head.json"

// maxHead is more than a head file ever has, in bytes.
const maxHead = 4 << 10

// mark is what the head file holds: one line of JSON.
type mark struct {
	Format int    `json:"format"`
	File   string `json:"file"`   // that holds the line, empty when there is none
	Length int64  `json:"length"` // of that file up to the line's end, in bytes
	Head
}

// writeMark puts the head file there. It is behind the record by as much as
// Options.HeadEvery, never ahead of it.
func (l *Log) writeMark(m mark) error {
	text, err := marshal(m)
	if err != nil {
		return err
	}
	return durable.WriteFile(l.fs, filepath.Join(l.folder, headFile), 0o600, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// readMark returns nil and no error when there is no head file. Errors wrap
// mail.ErrDamaged when it cannot be made out.
func (l *Log) readMark() (*mark, error) {
	f, err := l.fs.OpenFile(filepath.Join(l.folder, headFile), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxHead))
	if err != nil {
		return nil, err
	}
	return decodeMark(text)
}

func decodeMark(text []byte) (*mark, error) {
	m := &mark{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("head file is not JSON (%v): %w", err, mail.ErrDamaged)
	}
	if m.Format != FormatVersion || m.Length < 0 || (m.Seq == 0) != (m.SHA256 == mail.Digest{}) {
		return nil, fmt.Errorf("head file makes no sense: %w", mail.ErrDamaged)
	}
	return m, nil
}
