package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"mailarchive/internal/mail"
)

// The ways an encrypted archive begins.
var (
	opensslMagic  = []byte("Salted__")   // openssl enc with a salt
	opensslBase64 = []byte("U2FsdGVkX1") // the same with -a
	armorMagic    = []byte("-----BEGIN PGP MESSAGE-----")
)

// isEncrypted reports whether a file is an encrypted archive by its beginning,
// or by its name when it begins like nothing that we know.
func isEncrypted(lower string, head []byte) bool {
	for _, magic := range [][]byte{opensslMagic, opensslBase64, armorMagic} {
		if bytes.HasPrefix(head, magic) {
			return true
		}
	}
	named := strings.HasSuffix(lower, ".enc") || strings.HasSuffix(lower, ".gpg") || strings.HasSuffix(lower, ".pgp")
	return named && len(head) > 0 && !startsHeader(head) && !startsMbox(lower, head)
}

// maxPassword is the longest password in bytes, and maxPasswords how many one
// file may hold.
const (
	maxPassword  = 4 << 10
	maxPasswords = 1000
)

// ReadPasswords reads the passwords in a file, one a line: an archive has
// another one for each time that it was changed. The errors name the file and
// nothing of what is in it; one without any wraps mail.ErrBadInput.
func ReadPasswords(path string) ([][]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("password file: %w", err)
	}
	defer f.Close()
	var all [][]byte
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxPassword)
	for lines.Scan() && len(all) < maxPasswords {
		if line := bytes.TrimSuffix(lines.Bytes(), []byte("\r")); len(line) > 0 {
			all = append(all, bytes.Clone(line))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("password file %s: %w", path, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("password file %s holds no password: %w", path, mail.ErrBadInput)
	}
	return all, nil
}

// encryptedFile imports the tar in an encrypted archive.
func (r *run) encryptedFile(ctx context.Context, f found) error {
	return r.tarFrom(ctx, f, func(file *os.File, in io.Reader) (io.Reader, error) {
		if len(r.o.Passwords) == 0 {
			return nil, errors.New("encrypted archive, and no password was given: name a file that holds it")
		}
		plain, err := decrypted(file, in, r.o.Passwords)
		if err != nil {
			return nil, err
		}
		return unpacked(plain)
	})
}

// unpacked returns the tar in what an archive was before it was encrypted: a
// tar or a .tgz, for otherwise it would not have been decrypted.
func unpacked(plain io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(plain, headSize)
	if head, _ := b.Peek(tarBlock); !isGzip(head) {
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return z, nil
}

// isGzip reports whether a gzip file begins so, reserved flags included
// (RFC 1952 2.3.1): a wrong key passes once in 2^27 times.
func isGzip(head []byte) bool {
	return len(head) >= 10 && bytes.HasPrefix(head, []byte("\x1f\x8b\x08")) && head[3]&0xe0 == 0
}

// decrypted finds out how a file was encrypted and with which of the passwords.
// in reads the same file and counts.
func decrypted(file *os.File, in io.Reader, passwords [][]byte) (io.Reader, error) {
	head := make([]byte, headSize)
	n, err := file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	head = head[:n]
	again := func() (io.Reader, error) {
		_, err := file.Seek(0, io.SeekStart)
		return in, err
	}
	switch {
	case bytes.HasPrefix(head, opensslMagic), bytes.HasPrefix(head, opensslBase64):
		return opensslDecrypted(head, again, passwords)
	case bytes.HasPrefix(head, armorMagic):
		return openPGPDecrypted(again, passwords)
	case n > 0 && head[0]&0x80 != 0: // the first bit of a packet (RFC 9580 4.2)
		plain, err := openPGPDecrypted(again, passwords)
		if err == nil {
			return plain, nil
		}
		plain, other := opensslDecrypted(head, again, passwords)
		if other != nil {
			return nil, fmt.Errorf("%w; %w", err, other)
		}
		return plain, nil
	}
	return opensslDecrypted(head, again, passwords)
}
