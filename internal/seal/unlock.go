package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"math"

	"mailarchive/internal/mail"
)

// unlocked is what is needed to read an encrypted file at any place: cipher
// feedback decrypts from any block on, given the ciphertext before it, and both
// packets come in pieces of one length. The code at the end is not looked at;
// members and messages have digests of their own.
type unlocked struct {
	block   cipher.Block
	data    int64 // where the encrypted data packet begins
	literal int64 // bytes of the literal packet's content before the file's
}

// unlock takes the session key from the file, once: a password takes a tenth
// of a second.
func (a *Archive) unlock(f io.ReaderAt) (*unlocked, error) {
	a.once.Lock()
	defer a.once.Unlock()
	if a.unlocked != nil {
		return a.unlocked, nil
	}
	p, err := decrypt(io.NewSectionReader(f, 0, math.MaxInt64), a.secret)
	if err != nil {
		return nil, err
	}
	block, err := p.session.block()
	if err != nil {
		return nil, err
	}
	u := &unlocked{block: block, data: p.head}
	r, err := u.packets(f, 1) // behind the literal packet's tag
	if err != nil {
		return nil, err
	}
	// Its content begins with a format, a name's length, the name, and a time of
	// four bytes (RFC 4880 5.9).
	var head [2]byte
	if _, err := io.ReadFull(&partialReader{r: r}, head[:]); err != nil || head[0] != 'b' {
		return nil, fmt.Errorf("the literal packet is not as Make writes it: %w", mail.ErrDamaged)
	}
	u.literal = int64(len(head)) + int64(head[1]) + 4
	a.unlocked = u
	return u, nil
}

// at reads the file inside the encryption from a byte on.
func (u *unlocked) at(f io.ReaderAt, offset int64) (io.Reader, error) {
	begin, within := pieceAt(u.literal + offset)
	r, err := u.packets(f, begin)
	if err != nil {
		return nil, err
	}
	content := &partialReader{r: r}
	return content, discard(content, within)
}

// packets decrypts from a byte of what is inside the encrypted data on, behind
// the prefix: there the literal packet begins.
func (u *unlocked) packets(f io.ReaderAt, offset int64) (io.Reader, error) {
	const version = 1 // byte, in front of the ciphertext
	within := (prefixSize + offset) % aes.BlockSize
	// The block before the one that is wanted is read too. It is there: the
	// prefix is longer than a block.
	block := version + prefixSize + offset - within - aes.BlockSize
	begin, in := pieceAt(block)
	content := &partialReader{r: io.NewSectionReader(f, u.data+begin, math.MaxInt64-u.data-begin)}
	if err := discard(content, in); err != nil {
		return nil, err
	}
	d := &blockReader{r: content, cfb: feedback{block: u.block}}
	if _, err := io.ReadFull(content, d.cfb.last[:]); err != nil {
		return nil, cutOr(err)
	}
	return d, discard(d, within)
}

// blockReader decrypts from a block's beginning on.
type blockReader struct {
	r      io.Reader
	cfb    feedback
	buffer []byte
	at     int
	err    error
}

func (d *blockReader) Read(b []byte) (int, error) {
	for d.at == len(d.buffer) {
		if d.err != nil {
			return 0, d.err
		}
		if d.buffer == nil {
			d.buffer = make([]byte, chunkSize/4)
		}
		var n int
		n, d.err = readAll(d.r, d.buffer[:cap(d.buffer)])
		d.buffer, d.at = d.buffer[:n], 0
		d.cfb.decrypt(d.buffer)
	}
	n := copy(b, d.buffer[d.at:])
	d.at += n
	return n, nil
}

// discard passes over n bytes.
func discard(r io.Reader, n int64) error {
	_, err := io.CopyN(io.Discard, r, n)
	return cutOr(err)
}

// cutOr makes an early end an error of its kind.
func cutOr(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the encrypted file is cut: %w", mail.ErrDamaged)
	}
	return err
}
