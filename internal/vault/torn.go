package vault

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"mailarchive/internal/durable"
)

// Torn is a stretch of bytes that no commit closes, kept in a file of its own.
type Torn struct {
	Segment int
	Offset  int64
	Length  int64 // bytes
	File    string
}

// cutTail copies [off, size) of a segment to torn/ and cuts the segment there,
// then appends the mark of records that were kept, if any.
func (v *Vault) cutTail(number int, off, size int64, m *mark) error {
	f, err := v.fs.OpenFile(v.path(number, segmentSuffix), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if off < size {
		if err := v.keepTorn(f, number, off, size); err != nil {
			return err
		}
		if err := f.Truncate(off); err != nil {
			return err
		}
	}
	if m != nil {
		if _, err := f.Seek(off, io.SeekStart); err != nil {
			return err
		}
		if _, err := f.Write(m.encode()); err != nil {
			return kind(err)
		}
	}
	return f.Sync()
}

func (v *Vault) keepTorn(f io.ReaderAt, number int, off, size int64) error {
	base := fmt.Sprintf("%09d-%d", number, off)
	name := filepath.Join(v.folder, tornFolder, base+".bin")
	for i := 2; ; i++ {
		if _, err := v.fs.Stat(name); err != nil {
			break
		}
		name = filepath.Join(v.folder, tornFolder, fmt.Sprintf("%s-%d.bin", base, i))
	}
	err := durable.WriteFile(v.fs, name, 0o600, func(w io.Writer) error {
		_, err := io.Copy(w, io.NewSectionReader(steady{f, v.log}, off, size-off))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep torn bytes: %w", kind(err))
	}
	t := Torn{Segment: number, Offset: off, Length: size - off, File: strings.TrimPrefix(name, v.folder+"/")}
	v.opened.Torn = append(v.opened.Torn, t)
	v.log.Warn("torn bytes behind the last commit moved aside", "segment", t.Segment, "offset", t.Offset, "length", t.Length, "file", t.File)
	return nil
}
