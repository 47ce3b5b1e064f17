package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"mailarchive/internal/durable"
	"mailarchive/internal/seal"
)

// archivePassword is `archive set-password`.
func (p *program) archivePassword() *cobra.Command {
	var fromFile string
	c := &cobra.Command{
		Use:   "set-password",
		Short: "Set the password of encrypted archive files",
		Long: `Set-password asks for a password twice and writes it to encrypt-password-file. It
counts for files that are made from now on; the passwords before it stay below in
the file, so that older files are still read. The password is never shown, logged
or an argument.

It needs upper and lower case, a digit, and encrypt-password-length characters.`,
		Example: `  mail-archive archive set-password
  mail-archive archive set-password --from-file new.txt`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			loaded, err := p.load(c)
			if err != nil {
				return err
			}
			password, err := p.askPassword(fromFile)
			if err != nil {
				return err
			}
			if err := (seal.PasswordRules{Length: loaded.EncryptPasswordLength}).Check(password); err != nil {
				return err
			}
			if err := keepPassword(loaded.EncryptPasswordFile, password); err != nil {
				return fmt.Errorf("write password: %w", err)
			}
			text := "The password is set for archive files that are made from now on."
			if !loaded.Encrypt {
				text += " They are not encrypted yet: set encrypt = true in the configuration."
			}
			_, err = fmt.Fprintln(p.out, text)
			return err
		},
	}
	c.Flags().StringVar(&fromFile, "from-file", "", "file with the password in its first line, instead of asking")
	return c
}

// askPassword asks on the terminal, twice and without showing it.
func (p *program) askPassword(fromFile string) (string, error) {
	if fromFile != "" {
		return readFirstLine(fromFile)
	}
	in, ok := p.std.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", &usageError{errors.New("there is no terminal to ask on; --from-file names a file with the password")}
	}
	var typed [2]string
	for i, prompt := range []string{"New password: ", "Once more: "} {
		fmt.Fprint(p.std.Err, prompt)
		b, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(p.std.Err)
		if err != nil {
			return "", err
		}
		typed[i] = string(b)
	}
	if typed[0] != typed[1] {
		return "", &usageError{errors.New("the two are not the same; nothing was changed")}
	}
	return typed[0], nil
}

// keepPassword puts the password in front of those that are in the file.
func keepPassword(name, password string) error {
	former, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.WriteFile(durable.OS{}, name, 0o600, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		fmt.Fprintln(b, password)
		for line := range bytes.Lines(former) {
			if line := strings.TrimRight(string(line), "\r\n"); line != "" && line != password {
				fmt.Fprintln(b, line)
			}
		}
		return b.Flush()
	})
}
