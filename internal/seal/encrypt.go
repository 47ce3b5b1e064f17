package seal

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"

	"mailarchive/internal/mail"

	"crypto"
)

// Lock says with what files are encrypted: a password, public keys, or both;
// each alone opens the file.
type Lock struct {
	// Password is used as it is; [PasswordRules] are the caller's to apply.
	Password []byte
	// Label names the password in lists, for people who have had several: when
	// it was set, say. It is not made from the password and tells nothing of it.
	Label string
	// Recipients are public keys; each needs a subkey that encrypts.
	Recipients openpgp.EntityList
}

// hashedBytes is how much the password is hashed, the most that OpenPGP can
// say (RFC 4880 3.7.1.3): about a tenth of a second for each guess.
const hashedBytes = 65011712

// session is the key that the content is encrypted with.
type session struct {
	cipher packet.CipherFunction
	key    []byte
}

// opened is an encrypted file at its beginning.
type opened struct {
	plain   io.WriteCloser
	session *session
	outer   mail.Digest // of the packets with the keys
	keys    []string
}

// open writes the packets that hold the session key, and begins the encrypted
// data: one literal packet without compression. Close of plain does not close
// w. Errors wrap mail.ErrBadInput when a key cannot encrypt, or there is none.
func (l *Lock) open(w io.Writer, random io.Reader, now time.Time, name string) (*opened, error) {
	if random == nil {
		random = rand.Reader
	}
	cfg := &packet.Config{
		DefaultCipher: packet.CipherAES256, Rand: random, Time: func() time.Time { return now },
		S2KConfig: &s2k.Config{S2KMode: s2k.IteratedSaltedS2K, Hash: crypto.SHA256, S2KCount: hashedBytes},
	}
	s := &session{cipher: packet.CipherAES256, key: make([]byte, packet.CipherAES256.KeySize())}
	if _, err := io.ReadFull(random, s.key); err != nil {
		return nil, err
	}
	var head bytes.Buffer
	keys, err := l.wrap(&head, s, cfg)
	if err != nil {
		return nil, err
	}
	o := &opened{session: s, outer: mail.Sum(head.Bytes()), keys: keys}
	if _, err := w.Write(head.Bytes()); err != nil {
		return nil, err
	}
	data, err := newEncrypter(w, random, s.key)
	if err != nil {
		return nil, err
	}
	o.plain, err = newLiteralWriter(data, name)
	return o, err
}

// wrap writes the session key for each that may have it.
func (l *Lock) wrap(w io.Writer, s *session, cfg *packet.Config) (keys []string, err error) {
	for _, to := range l.Recipients {
		key, ok := to.EncryptionKey(cfg.Now())
		if !ok {
			return nil, fmt.Errorf("key %s cannot encrypt now (no subkey for it, expired or revoked): %w", to.PrimaryKey.KeyIdString(), mail.ErrBadInput)
		}
		if err := packet.SerializeEncryptedKey(w, key.PublicKey, s.cipher, s.key, cfg); err != nil {
			return nil, fmt.Errorf("encrypt to key %s: %w", to.PrimaryKey.KeyIdString(), err)
		}
		keys = append(keys, "key "+key.PublicKey.KeyIdString())
	}
	if len(l.Password) > 0 {
		if err := packet.SerializeSymmetricKeyEncryptedReuseKey(w, s.key, l.Password, cfg); err != nil {
			return nil, fmt.Errorf("encrypt by password: %w", err)
		}
		keys = append(keys, passwordKey(l.Label))
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("neither password nor public key to encrypt with: %w", mail.ErrBadInput)
	}
	return keys, nil
}

func passwordKey(label string) string {
	if label == "" {
		return "password"
	}
	return "password " + label
}
