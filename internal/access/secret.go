package access

import (
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"mailarchive/internal/mail"
)

// TokenPrefix begins each API token, so that people and scanners recognise one
// where it should not be.
const TokenPrefix = "mailarchive_"

// secretSize is the length of a secret of ours in bytes: nobody can guess it,
// so a plain SHA-256 of it is enough to keep.
const secretSize = 32

// newSecret returns a secret for somebody and the digest to keep of it.
func newSecret(random io.Reader, prefix string) (string, mail.Digest, error) {
	b := make([]byte, secretSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", mail.Digest{}, fmt.Errorf("random bytes: %w", err)
	}
	secret := prefix + base64.RawURLEncoding.EncodeToString(b)
	return secret, mail.Sum([]byte(secret)), nil
}

// newName returns a short name for something that people list and revoke.
func newName(random io.Reader) (string, error) {
	b := make([]byte, 10)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("random bytes: %w", err)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b)), nil
}

// recoveryCodes is how many codes come with a second factor.
const recoveryCodes = 10

// newRecovery returns codes of 80 random bits and the digests to keep.
func newRecovery(random io.Reader) (codes []string, digests []mail.Digest, err error) {
	for range recoveryCodes {
		code, err := newName(random)
		if err != nil {
			return nil, nil, err
		}
		codes = append(codes, code[0:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:16])
		digests = append(digests, recoveryDigest(code))
	}
	return codes, digests, nil
}

// recoveryDigest is the digest of a code however it was typed.
func recoveryDigest(code string) mail.Digest {
	code = strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(code))
	return mail.Sum([]byte(code))
}
