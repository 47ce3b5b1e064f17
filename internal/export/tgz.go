package export

import (
	"archive/tar"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
)

// messagesFolder is where messages are in an archive file.
const messagesFolder = "messages/"

// tgzWriter writes a tar file in gzip. Names are ASCII and sizes known, so that
// every tar reads it (POSIX ustar; above 8 GiB the GNU form of the size).
type tgzWriter struct {
	gz  *gzip.Writer
	tar *tar.Writer
}

func newTGZWriter(w io.Writer) *tgzWriter {
	gz := gzip.NewWriter(w)
	return &tgzWriter{gz, tar.NewWriter(gz)}
}

func (t *tgzWriter) put(m *Message, s *staged) (place, error) {
	name := messagesFolder + m.ID.String() + ".eml"
	return place{file: name}, t.add(name, m.Received, s.total(), s.reader())
}

func (t *tgzWriter) add(name string, modified time.Time, size int64, r io.Reader) error {
	err := t.tar.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: modified.Truncate(time.Second),
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(t.tar, r)
	return err
}

// finish ends the file. Without it a reader finds the end missing.
func (t *tgzWriter) finish() error {
	if err := t.tar.Close(); err != nil {
		return err
	}
	return t.gz.Close()
}
