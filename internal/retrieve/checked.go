package retrieve

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"mailarchive/internal/mail"
)

// smallContent is held in memory while its digest is compared. Larger content
// is read twice.
const smallContent = 1 << 20

// openChecked opens content of which every byte is known to be right, or fails
// with an error that wraps mail.ErrDamaged.
func openChecked(open func() (io.ReadCloser, error), want mail.Digest, size int64) (io.ReadCloser, error) {
	if size <= smallContent {
		return readChecked(open, want, size)
	}
	first, err := open()
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, &checkingReader{ReadCloser: first, want: want, hash: sha256.New()})
	if err := errors.Join(err, first.Close()); err != nil {
		return nil, err
	}
	second, err := open()
	if err != nil {
		return nil, err
	}
	return &checkingReader{ReadCloser: second, want: want, hash: sha256.New()}, nil
}

func readChecked(open func() (io.ReadCloser, error), want mail.Digest, size int64) (io.ReadCloser, error) {
	content, err := open()
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	_, err = b.ReadFrom(io.LimitReader(content, size+1))
	if err := errors.Join(err, content.Close()); err != nil {
		return nil, err
	}
	if got := mail.Sum(b.Bytes()); got != want {
		return nil, mismatch(got, want)
	}
	return io.NopCloser(bytes.NewReader(b.Bytes())), nil
}

func mismatch(got, want mail.Digest) error {
	return fmt.Errorf("digest is %s, recorded was %s: %w", got, want, mail.ErrDamaged)
}

// checkingReader ends with io.EOF only when the digest is the wanted one.
type checkingReader struct {
	io.ReadCloser
	want mail.Digest
	hash hash.Hash
}

// Read implements [io.Reader].
func (r *checkingReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.hash.Write(p[:n])
	if err == io.EOF {
		if got := mail.Digest(r.hash.Sum(nil)); got != r.want {
			err = mismatch(got, r.want)
		}
	}
	return n, err
}
