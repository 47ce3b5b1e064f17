package export

import (
	"archive/zip"
	"io"
	"time"

	"github.com/klauspost/compress/flate"
)

// zipWriter writes a .zip as a stream; the list at its end has zip64 fields
// where numbers need them (APPNOTE.TXT 4.5.3).
type zipWriter struct {
	zip     *zip.Writer
	method  uint16
	deflate *flate.Writer
}

func newZipWriter(w io.Writer, store bool) *zipWriter {
	z := &zipWriter{zip: zip.NewWriter(w), method: zip.Deflate}
	if store {
		z.method = zip.Store
	}
	z.zip.RegisterCompressor(zip.Deflate, z.compressor)
	return z
}

// compressor is used again for each file: a new one costs more than most
// messages. Files follow each other, so that one is enough.
func (z *zipWriter) compressor(w io.Writer) (io.WriteCloser, error) {
	if z.deflate == nil {
		var err error
		z.deflate, err = flate.NewWriter(w, flate.DefaultCompression)
		return z.deflate, err
	}
	z.deflate.Reset(w)
	return z.deflate, nil
}

func (z *zipWriter) put(m *Message, s *staged) (place, error) {
	name := messagesFolder + m.ID.String() + ".eml"
	return place{file: name}, z.add(name, m.Received, s.total(), s.reader())
}

func (z *zipWriter) add(name string, modified time.Time, _ int64, r io.Reader) error {
	h := &zip.FileHeader{Name: name, Method: z.method, Modified: modified.UTC()}
	h.SetMode(0o600)
	w, err := z.zip.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return err
}

// finish writes the list of files. Without it a reader finds the end missing.
func (z *zipWriter) finish() error { return z.zip.Close() }
