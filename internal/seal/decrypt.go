package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"crypto/sha256"
	"hash"

	"mailarchive/internal/mail"
)

// ErrNoSecret says that a file is encrypted and none of the secrets at hand
// opens it (or that the packets with its keys are damaged).
var ErrNoSecret = errors.New("no secret at hand opens it")

// Secret is what opens encrypted files: whatever fits is taken. The zero Secret
// opens none.
type Secret struct {
	Passwords [][]byte
	// Keys are private keys, unlocked.
	Keys openpgp.EntityList

	session *session // of a file that was just made
}

// maxKeyPackets bounds what may stand before the encrypted data.
const (
	maxKeyPackets = 256
	maxKeyBytes   = 1 << 20
)

// plaintext is the content of an encrypted file. Reads end in io.EOF only when
// the integrity code at the end is right; else the error wraps mail.ErrDamaged.
type plaintext struct {
	io.Reader
	outer   mail.Digest // of the packets with the keys
	head    int64       // their length
	session *session    // that opened it
}

// Decrypt reads an OpenPGP message of one literal packet, as Make writes it and
// gpg -c does with compression off. What it returns ends in io.EOF only when
// the integrity code at the end was right. Errors: [ErrNoSecret],
// mail.ErrDamaged, those of r.
func Decrypt(r io.Reader, secret Secret) (io.Reader, error) {
	p, err := decrypt(r, secret)
	if err != nil {
		return nil, err
	}
	return p.Reader, nil
}

func decrypt(r io.Reader, secret Secret) (plaintext, error) {
	h, err := readKeys(r, secret)
	if err != nil {
		return plaintext{}, err
	}
	var prefix [prefixSize]byte
	if _, err := io.ReadFull(h.data.Contents, prefix[:]); err != nil {
		return plaintext{}, fmt.Errorf("encrypted data is cut: %w", mail.ErrDamaged)
	}
	for _, s := range h.sessions {
		block, err := s.block()
		if err != nil {
			continue
		}
		if d, ok := newDecrypter(h.data.Contents, block, prefix); ok {
			literal, err := newLiteral(d)
			return plaintext{&wholeFile{literal, d, r, nil}, h.outer, h.length, s}, err
		}
	}
	return plaintext{}, fmt.Errorf("opens by %s: %w", h.names(), ErrNoSecret)
}

// block returns the cipher, which is AES in files of ours.
func (s *session) block() (cipher.Block, error) {
	switch s.cipher {
	case packet.CipherAES128, packet.CipherAES192, packet.CipherAES256:
		return aes.NewCipher(s.key)
	}
	return nil, fmt.Errorf("cipher %d: %w", s.cipher, mail.ErrBadInput)
}

// keyHead is what stands before the encrypted data.
type keyHead struct {
	keys     []string
	sessions []*session // those that the secret gives, good or not
	outer    mail.Digest
	length   int64 // of the packets with the keys, in bytes
	data     *packet.SymmetricallyEncrypted
}

func (h *keyHead) names() string {
	if len(h.keys) == 0 {
		return "nothing"
	}
	return strings.Join(h.keys, ", ")
}

// KeysOf returns what opens the file that r begins: "password", "key ID".
// Errors wrap mail.ErrDamaged when it does not begin as an OpenPGP message.
func KeysOf(r io.Reader) ([]string, error) {
	h, err := readKeys(r, Secret{})
	if err != nil {
		return nil, err
	}
	return h.keys, nil
}

// readKeys reads packets up to the encrypted data.
func readKeys(r io.Reader, secret Secret) (*keyHead, error) {
	h := &keyHead{}
	if secret.session != nil {
		h.sessions = append(h.sessions, secret.session)
	}
	counted := &headReader{r: r, hash: sha256.New()}
	for range maxKeyPackets {
		before, length := counted.digest(), counted.n
		counted.packet = counted.packet[:0]
		p, err := packet.Read(counted)
		if err != nil { // it may come with a packet that is not whole
			return nil, fmt.Errorf("not an encrypted OpenPGP message (%v): %w", err, mail.ErrDamaged)
		}
		switch p := p.(type) {
		case *packet.SymmetricKeyEncrypted:
			h.keys = append(h.keys, "password")
			if hungry(counted.packet) {
				continue
			}
			for _, password := range secret.Passwords {
				if key, cipher, err := p.Decrypt(password); err == nil {
					h.sessions = append(h.sessions, &session{cipher, key})
				}
			}
		case *packet.EncryptedKey:
			h.keys = append(h.keys, fmt.Sprintf("key %016X", p.KeyId))
			h.sessions = append(h.sessions, unwrap(p, secret.Keys)...)
		case *packet.SymmetricallyEncrypted:
			if p.Version != 1 {
				return nil, fmt.Errorf("encrypted in a way that this program does not read (version %d): %w", p.Version, mail.ErrDamaged)
			}
			counted.hash = nil
			h.outer, h.length, h.data = before, int64(length), p
			return h, nil
		default:
			return nil, fmt.Errorf("not an encrypted OpenPGP message (packet %T in front): %w", p, mail.ErrDamaged)
		}
	}
	return nil, fmt.Errorf("over %d packets before the encrypted data: %w", maxKeyPackets, mail.ErrDamaged)
}

// hungry reports whether a password packet asks for Argon2 (RFC 9580 3.7.1.4),
// by which a file of a few bytes could take terabytes of memory. Ours never do,
// nor does gpg. The packet's header has two, three or five bytes more or less
// (RFC 4880 4.2); behind it stand version, cipher and kind.
func hungry(b []byte) bool {
	const argon2 = 4
	if len(b) < 2 {
		return true
	}
	head := 2
	switch {
	case b[0]&0x40 == 0:
		head = 1 + 1<<(b[0]&3)
	case b[1] == 255:
		head = 6
	case b[1] >= 224: // in pieces, which no key needs
		return true
	case b[1] >= 192:
		head = 3
	}
	return len(b) < head+3 || b[head] != 4 || b[head+2] == argon2
}

// unwrap tries the private keys that the packet names, or all when it names
// none (RFC 4880 5.1).
func unwrap(p *packet.EncryptedKey, keys openpgp.EntityList) (out []*session) {
	for _, k := range keys.DecryptionKeys() {
		if p.KeyId != 0 && p.KeyId != k.PublicKey.KeyId || k.PrivateKey == nil || k.PrivateKey.Encrypted {
			continue
		}
		if err := p.Decrypt(k.PrivateKey, nil); err == nil {
			out = append(out, &session{p.CipherFunc, append([]byte(nil), p.Key...)})
		}
	}
	return out
}

// headReader hashes the packets with the keys, and reads no more of them than
// is ever needed.
type headReader struct {
	r    io.Reader
	hash hash.Hash // nil once the encrypted data has begun
	n    int
	// packet has the bytes of the current one, for a look at what it asks.
	packet []byte
}

func (h *headReader) Read(b []byte) (int, error) {
	if h.hash == nil {
		return h.r.Read(b)
	}
	if h.n > maxKeyBytes {
		return 0, fmt.Errorf("over %d bytes before the encrypted data: %w", maxKeyBytes, mail.ErrDamaged)
	}
	n, err := h.r.Read(b)
	h.hash.Write(b[:n])
	h.packet = append(h.packet, b[:n]...)
	h.n += n
	return n, err
}

func (h *headReader) digest() mail.Digest { return mail.Digest(h.hash.Sum(nil)) }

// newLiteral reads the head of the literal packet and returns its body.
func newLiteral(r io.Reader) (io.Reader, error) {
	p, err := packet.Read(r)
	if l, ok := p.(*packet.LiteralData); ok && err == nil {
		return l.Body, nil
	}
	return nil, fmt.Errorf("inside the encryption is no plain file (%T, %v): %w", p, err, mail.ErrDamaged)
}

// wholeFile reads the body, and at its end sees to it that nothing follows:
// neither in the encrypted data nor in the file.
type wholeFile struct {
	body, data, file io.Reader
	err              error
}

func (w *wholeFile) Read(b []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.body.Read(b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = w.atEnd()
	}
	w.err = err
	return n, err
}

func (w *wholeFile) atEnd() error {
	for _, r := range []io.Reader{w.data, w.file} {
		n, err := io.ReadFull(r, make([]byte, 1))
		if n > 0 {
			return fmt.Errorf("more follows the encrypted file: %w", mail.ErrDamaged)
		}
		if err != io.EOF {
			return err
		}
	}
	return io.EOF
}
