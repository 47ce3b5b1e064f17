package importer

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
)

// opensslHead is how much of a file is decrypted to see whether a key fits: a
// tar's first header, behind the salt.
const opensslHead = 16 + tarBlock

var errOpenSSL = errors.New("tried as `openssl enc` with aes-256-cbc, aes-192-cbc and aes-128-cbc, keys by md5, sha1, sha256, " +
	"sha512 and by PBKDF2 with sha1, sha256 and sha512 in 10,000 rounds: with no password it becomes a tar or .tgz")

// opensslDecrypted reads what the program `openssl enc` wrote. The file does
// not say with which cipher and digest: md5 was the default up to 1.0, sha256 is
// since 1.1, both also with -pbkdf2 (openssl-enc(1)). What becomes a .tgz or a
// tar is right.
func opensslDecrypted(head []byte, again func() (io.Reader, error), passwords [][]byte) (io.Reader, error) {
	armored := bytes.HasPrefix(head, opensslBase64)
	if armored {
		head, _ = io.ReadAll(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(head))) // its end is cut
	}
	head = head[:min(len(head), opensslHead)]
	var salt []byte
	if bytes.HasPrefix(head, opensslMagic) && len(head) >= 16 {
		salt, head = head[8:16], head[16:]
	}
	mode := opensslMode(head, salt, passwords)
	if mode == nil {
		return nil, errOpenSSL
	}
	in, err := again()
	if err != nil {
		return nil, err
	}
	if armored {
		in = base64.NewDecoder(base64.StdEncoding, in)
	}
	if salt != nil {
		if _, err := io.CopyN(io.Discard, in, 16); err != nil {
			return nil, err
		}
	}
	return &cbcReader{r: in, mode: mode}, nil
}

// opensslMode returns the decrypter under which head becomes an archive; nil
// when there is none.
func opensslMode(head, salt []byte, passwords [][]byte) cipher.BlockMode {
	head = head[:len(head)-len(head)%aes.BlockSize]
	for _, password := range passwords {
		for _, derive := range opensslKeys() {
			secret, err := derive(password, salt)
			if err != nil {
				continue // a digest that this machine's policy forbids
			}
			for _, size := range []int{32, 16, 24} {
				if mode := fitting(head, secret[:size], secret[size:size+aes.BlockSize]); mode != nil {
					return mode
				}
			}
		}
	}
	return nil
}

// fitting returns a decrypter with the key, if head becomes an archive by it.
func fitting(head, key, iv []byte) cipher.BlockMode {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil // cannot be: the sizes are AES's
	}
	plain := make([]byte, len(head))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, head)
	if !isGzip(plain) && (len(plain) < tarBlock || !isTar(plain)) {
		return nil
	}
	return cipher.NewCBCDecrypter(block, iv)
}

// secretSize is enough for the longest key with its initialisation vector. A
// shorter key is the beginning of the same bytes, the vector what follows it.
const secretSize = 32 + aes.BlockSize

// deriveKey makes secretSize bytes or more.
type deriveKey func(password, salt []byte) ([]byte, error)

// opensslKeys lists the ways, the quick ones first.
func opensslKeys() []deriveKey {
	return []deriveKey{
		bytesToKey(md5.New), bytesToKey(sha256.New), bytesToKey(sha1.New), bytesToKey(sha512.New),
		pbkdf2Key(sha256.New), pbkdf2Key(sha1.New), pbkdf2Key(sha512.New),
	}
}

// bytesToKey is EVP_BytesToKey(3) with one round.
func bytesToKey(digest func() hash.Hash) deriveKey {
	return func(password, salt []byte) ([]byte, error) {
		var all, last []byte
		for len(all) < secretSize {
			h := digest()
			h.Write(last) // never fails (hash.Hash)
			h.Write(password)
			h.Write(salt)
			last = h.Sum(nil)
			all = append(all, last...)
		}
		return all, nil
	}
}

// pbkdf2Rounds is the default of `openssl enc -pbkdf2`.
const pbkdf2Rounds = 10_000

func pbkdf2Key(digest func() hash.Hash) deriveKey {
	return func(password, salt []byte) ([]byte, error) {
		return pbkdf2.Key(digest, string(password), salt, pbkdf2Rounds, secretSize)
	}
}

var errPadding = fmt.Errorf("openssl enc: the end is missing or damaged: %w", io.ErrUnexpectedEOF)

// cbcReader decrypts and takes the padding away (RFC 5652 6.3). Where the end
// is missing it gives all that is there before it says so.
type cbcReader struct {
	r    io.Reader
	mode cipher.BlockMode
	buf  [32 << 10]byte
	out  []byte // ready to be given; aliases buf
	last []byte // the last block so far: it may be padding
	err  error
}

func (c *cbcReader) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.fill()
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// fill decrypts what comes next, all but the last block.
func (c *cbcReader) fill() {
	held := copy(c.buf[:], c.last)
	n, err := io.ReadFull(c.r, c.buf[held:])
	whole := n - n%aes.BlockSize
	c.mode.CryptBlocks(c.buf[held:held+whole], c.buf[held:held+whole])
	c.out, c.last = c.buf[:held+whole], nil
	if err == nil {
		c.last = bytes.Clone(c.out[len(c.out)-aes.BlockSize:])
		c.out = c.out[:len(c.out)-aes.BlockSize]
		return
	}
	if err != io.EOF && err != io.ErrUnexpectedEOF {
		c.err = err
		return
	}
	c.err = errPadding
	if pad := padding(c.out); pad > 0 && n == whole {
		c.out, c.err = c.out[:len(c.out)-pad], io.EOF
	}
}

// padding returns how many bytes of padding b ends in; 0 when that is none.
func padding(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	n := int(b[len(b)-1])
	if n == 0 || n > aes.BlockSize || n > len(b) {
		return 0
	}
	for _, c := range b[len(b)-n:] {
		if int(c) != n {
			return 0
		}
	}
	return n
}
