package app

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"mailarchive/internal/config"
	"mailarchive/internal/mail"
	"mailarchive/internal/seal"
)

// secrets are what archive files are encrypted with and opened with. They are
// read each time: a change of the password counts for the next file.
type secrets struct{ config config.Config }

// passwords returns those that are configured, the one for new files first,
// and its label. The file's further lines are former passwords, so that files
// made with them stay readable.
func (s secrets) passwords(ctx context.Context) (list [][]byte, label string, err error) {
	if s.config.EncryptPasswordCommand != "" {
		list, err = askCommand(ctx, s.config.EncryptPasswordCommand)
		return list, "by command", err
	}
	f, err := os.Open(s.config.EncryptPasswordFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, "", err
	}
	list, err = lines(io.LimitReader(f, maxSecretFile))
	return list, "of " + info.ModTime().UTC().Format(time.DateTime), err
}

func lines(r io.Reader) (list [][]byte, err error) {
	s := bufio.NewScanner(r)
	for s.Scan() {
		if line := bytes.TrimSuffix(s.Bytes(), []byte("\r")); len(line) > 0 {
			list = append(list, bytes.Clone(line))
		}
	}
	return list, s.Err()
}

// commandPatience is how long a command may take to say the password.
const commandPatience = time.Minute

// askCommand runs the administrator's command. Its output is in no error.
func askCommand(ctx context.Context, command string) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "/bin/sh", "-c", command).Output()
	if err != nil {
		return nil, fmt.Errorf("encrypt-password-command: %w", err)
	}
	list, err := lines(bytes.NewReader(out))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("encrypt-password-command says nothing: %w", mail.ErrBadInput)
	}
	return list, err
}

// lock is what new files are encrypted with, nil when they are not, and
// whether this server can read them again.
func (s secrets) lock(ctx context.Context) (l *seal.Lock, readable bool, err error) {
	if !s.config.Encrypt {
		return nil, true, nil
	}
	l = &seal.Lock{}
	passwords, label, err := s.passwords(ctx)
	if err != nil {
		return nil, false, err
	}
	if len(passwords) > 0 {
		l.Password, l.Label = passwords[0], label
		if err := (seal.PasswordRules{Length: s.config.EncryptPasswordLength}).Check(string(l.Password)); err != nil {
			return nil, false, err
		}
	}
	for _, path := range s.config.EncryptRecipients.List() {
		keys, err := readKeys(path)
		if err != nil {
			return nil, false, fmt.Errorf("encrypt-recipients: %s: %w", path, err)
		}
		l.Recipients = append(l.Recipients, keys...)
	}
	if len(l.Password) == 0 && len(l.Recipients) == 0 {
		return nil, false, fmt.Errorf("encrypt is on, but there is neither a password (%s) nor a public key (encrypt-recipients): %w",
			s.config.EncryptPasswordFile, mail.ErrBadInput)
	}
	return l, len(l.Password) > 0, nil
}

// readKeys reads OpenPGP public keys, armoured or not.
func readKeys(path string) (openpgp.EntityList, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("-----BEGIN")) {
		return openpgp.ReadArmoredKeyRing(bytes.NewReader(b))
	}
	return openpgp.ReadKeyRing(bytes.NewReader(b))
}

// secret opens encrypted files; further passwords come from whoever asks.
func (s secrets) secret(ctx context.Context, further ...string) (seal.Secret, error) {
	passwords, _, err := s.passwords(ctx)
	for _, p := range further {
		if p != "" {
			passwords = append([][]byte{[]byte(p)}, passwords...)
		}
	}
	return seal.Secret{Passwords: passwords}, err
}
