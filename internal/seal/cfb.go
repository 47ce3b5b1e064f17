package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/subtle"
	"fmt"
	"hash"
	"io"

	"mailarchive/internal/mail"
)

// The encrypted data of a file is one Symmetrically Encrypted Integrity
// Protected Data packet of version 1 (RFC 4880 5.13): what stock gpg 2.2 reads.
// It is cipher feedback over a random prefix, the literal packet, and SHA-1 of
// both. Ours is here, and not go-crypto's, for the sake of time: that goes byte
// by byte (100 MB/s where this does several times as much).

const (
	prefixSize = aes.BlockSize + 2 // the last two bytes come twice (RFC 4880 5.13)
	mdcSize    = 2 + sha1.Size     // Modification Detection Code packet (RFC 4880 5.14)
)

// feedback is cipher feedback (RFC 4880 13.9, without the resynchronisation,
// as 5.13 has it), in either direction. Whole blocks only, but for the last.
type feedback struct {
	block cipher.Block
	last  [aes.BlockSize]byte // ciphertext
}

// encrypt works in place.
func (f *feedback) encrypt(b []byte) {
	var pad [aes.BlockSize]byte
	for len(b) > 0 {
		f.block.Encrypt(pad[:], f.last[:])
		n := subtle.XORBytes(b, b, pad[:])
		copy(f.last[:], b[:n])
		b = b[n:]
	}
}

// decrypt works in place.
func (f *feedback) decrypt(b []byte) {
	var pad, next [aes.BlockSize]byte
	for len(b) > 0 {
		f.block.Encrypt(pad[:], f.last[:])
		copy(next[:], b)
		n := subtle.XORBytes(b, b, pad[:])
		f.last = next
		b = b[n:]
	}
}

// encrypter writes the packet.
type encrypter struct {
	out    *partialWriter
	cfb    feedback
	hash   hash.Hash
	buffer []byte // what is still to encrypt, up to a multiple of a block
}

// newEncrypter begins the packet on w. The key is AES's.
func newEncrypter(w io.Writer, random io.Reader, key []byte) (*encrypter, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	var prefix [prefixSize]byte
	if _, err := io.ReadFull(random, prefix[:aes.BlockSize]); err != nil {
		return nil, err
	}
	copy(prefix[aes.BlockSize:], prefix[aes.BlockSize-2:aes.BlockSize])
	if _, err := w.Write([]byte{packetSEIPD}); err != nil {
		return nil, err
	}
	e := &encrypter{out: newPartialWriter(w), cfb: feedback{block: block}, hash: sha1.New(), buffer: make([]byte, 0, chunkSize)}
	if _, err := e.out.Write([]byte{1}); err != nil { // the packet's version
		return nil, err
	}
	_, err = e.Write(prefix[:])
	return e, err
}

func (e *encrypter) Write(b []byte) (n int, err error) {
	e.hash.Write(b)
	return e.write(b)
}

func (e *encrypter) write(b []byte) (n int, err error) {
	for len(b) > 0 {
		m := min(cap(e.buffer)-len(e.buffer), len(b))
		e.buffer = append(e.buffer, b[:m]...)
		b = b[m:]
		n += m
		if len(e.buffer) == cap(e.buffer) {
			if err := e.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (e *encrypter) flush() error {
	e.cfb.encrypt(e.buffer)
	_, err := e.out.Write(e.buffer)
	e.buffer = e.buffer[:0]
	return err
}

// Close ends the packet with its code (RFC 4880 5.14). It does not close what
// it writes to.
func (e *encrypter) Close() error {
	e.hash.Write([]byte{packetMDC, sha1.Size})
	if _, err := e.write(append([]byte{packetMDC, sha1.Size}, e.hash.Sum(nil)...)); err != nil {
		return err
	}
	if err := e.flush(); err != nil {
		return err
	}
	return e.out.Close()
}

// literalWriter writes the literal packet (RFC 4880 5.9) into the encrypted
// data, and ends both.
type literalWriter struct {
	*partialWriter
	data *encrypter
}

// newLiteralWriter begins a binary file of that name. The time says nothing
// that the records do not say, and is 0.
func newLiteralWriter(data *encrypter, name string) (*literalWriter, error) {
	if _, err := data.Write([]byte{packetLiteral}); err != nil {
		return nil, err
	}
	l := &literalWriter{newPartialWriter(data), data}
	head := append([]byte{'b', byte(len(name))}, name...)
	_, err := l.Write(append(head, 0, 0, 0, 0))
	return l, err
}

func (l *literalWriter) Close() error {
	if err := l.partialWriter.Close(); err != nil {
		return err
	}
	return l.data.Close()
}

// decrypter reads what is in the packet, and compares the SHA-1 at its end.
type decrypter struct {
	r      io.Reader // ciphertext behind the first block
	cfb    feedback
	hash   hash.Hash // of all that was handed out, and the prefix
	buffer []byte    // decrypted; the last mdcSize bytes are held back
	at     int
	err    error // of r; io.EOF at its end
}

// newDecrypter takes the encrypted prefix and what follows it. ok is false when
// the key is certainly another one.
func newDecrypter(r io.Reader, block cipher.Block, prefix [prefixSize]byte) (d *decrypter, ok bool) {
	d = &decrypter{cfb: feedback{block: block}, hash: sha1.New()}
	d.r = io.MultiReader(bytes.NewReader(append([]byte(nil), prefix[aes.BlockSize:]...)), r)
	first := prefix
	d.cfb.decrypt(first[:aes.BlockSize])
	probe := d.cfb
	probe.decrypt(first[aes.BlockSize:])
	d.hash.Write(first[:aes.BlockSize])
	d.hash.Write(first[aes.BlockSize:])
	// The two repeated bytes tell most wrong keys (RFC 4880 5.13).
	return d, string(first[aes.BlockSize-2:aes.BlockSize]) == string(first[aes.BlockSize:])
}

func (d *decrypter) Read(b []byte) (int, error) {
	for len(d.buffer)-d.at <= mdcSize && d.err == nil {
		d.fill()
	}
	if have := len(d.buffer) - d.at - mdcSize; have > 0 {
		n := copy(b, d.buffer[d.at:d.at+have])
		d.hash.Write(b[:n])
		d.at += n
		return n, nil
	}
	if d.err == io.EOF {
		d.err = d.compare()
	}
	return 0, d.err
}

// fill decrypts the next stretch.
func (d *decrypter) fill() {
	first := d.buffer == nil
	if first {
		d.buffer = make([]byte, 0, chunkSize+mdcSize)
	}
	all := d.buffer[:cap(d.buffer)]
	start := copy(all, d.buffer[d.at:])
	n, err := readAll(d.r, all[start:start+chunkSize]) // whole blocks, but for the last
	d.cfb.decrypt(all[start : start+n])
	d.buffer, d.at = all[:start+n], 0
	if first {
		d.at = min(2, n) // the repeated bytes
	}
	if err == io.ErrUnexpectedEOF {
		err = fmt.Errorf("encrypted data is cut: %w", mail.ErrDamaged)
	}
	d.err = err
}

// readAll is io.ReadFull that tells the end of the packet from an end before
// that, which its reader calls io.ErrUnexpectedEOF.
func readAll(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	return n, err
}

// compare returns io.EOF when the code at the end is that of what came before.
func (d *decrypter) compare() error {
	code := d.buffer[d.at:]
	if len(code) == mdcSize {
		d.hash.Write(code[:2])
		if code[0] == packetMDC && code[1] == sha1.Size && string(d.hash.Sum(nil)) == string(code[2:]) {
			return io.EOF
		}
	}
	return fmt.Errorf("encrypted data is not what was written (its SHA-1 differs): %w", mail.ErrDamaged)
}
