package access

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// record is an account as it stands in the file. One that was published is
// never changed: a change makes another.
type record struct {
	// ID tells an account from a later one of the same name, Generation is
	// raised with each change that ends all sessions.
	ID         string `json:"id"`
	Generation int    `json:"generation"`

	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	Addresses []Owned   `json:"addresses,omitempty"`
	Domains   []string  `json:"domains,omitempty"`
	Grants    []Grant   `json:"grants,omitempty"`
	Source    Source    `json:"source"`
	Disabled  bool      `json:"disabled,omitempty"`
	Created   time.Time `json:"created"`

	Password    string    `json:"password,omitempty"` // PHC string
	PasswordSet time.Time `json:"password_set,omitzero"`
	TOTP        *totp     `json:"totp,omitempty"`
	Tokens      []token   `json:"tokens,omitempty"`
}

// totp is a second factor; it counts once it was confirmed.
type totp struct {
	Secret    []byte        `json:"secret"`
	Confirmed bool          `json:"confirmed,omitempty"`
	Recovery  []mail.Digest `json:"recovery,omitempty"` // of the codes that are left
}

func (r *record) secondFactor() bool { return r.TOTP != nil && r.TOTP.Confirmed }

func (r *record) account() Account {
	a := Account{
		Name: r.Name, Role: r.Role, Addresses: slices.Clone(r.Addresses), Domains: slices.Clone(r.Domains),
		Grants: slices.Clone(r.Grants), Source: r.Source, Disabled: r.Disabled, Created: r.Created,
		PasswordSet: r.PasswordSet, SecondFactor: r.secondFactor(),
	}
	if a.SecondFactor {
		a.Recovery = len(r.TOTP.Recovery)
	}
	return a
}

// clone returns a record to change.
func (r *record) clone() *record {
	c := *r
	c.Addresses, c.Domains, c.Grants = slices.Clone(r.Addresses), slices.Clone(r.Domains), slices.Clone(r.Grants)
	c.Tokens = slices.Clone(r.Tokens)
	if r.TOTP != nil {
		t := *r.TOTP
		t.Recovery = slices.Clone(t.Recovery)
		c.TOTP = &t
	}
	return &c
}

// format is that of the files, see doc/formats/accounts-1.md.
const format = 1

// accountsFile and sessionsFile are in the folder.
const (
	accountsFile = "accounts.json"
	sessionsFile = "sessions.json"
)

// maxFile bounds what is read: a million accounts would not reach it.
const maxFile = 1 << 30

type accountsJSON struct {
	Format   int       `json:"format"`
	Accounts []*record `json:"accounts"`
}

// readAccounts reads the file. Without one there is no account. The error
// wraps ErrDamaged when it is not what was written: then nobody may come in, for an
// archive that took it for empty would let the next one make an administrator.
func readAccounts(fsys durable.FS, folder string) (map[string]*record, error) {
	var content accountsJSON
	name := filepath.Join(folder, accountsFile)
	if err := readJSON(fsys, name, &content); errors.Is(err, fs.ErrNotExist) {
		return map[string]*record{}, nil
	} else if err != nil {
		return nil, err
	}
	if content.Format != format {
		return nil, fmt.Errorf("%s has format %d, this program reads %d: %w", name, content.Format, format, mail.ErrDamaged)
	}
	records := make(map[string]*record, len(content.Accounts))
	for i, r := range content.Accounts {
		if r == nil || r.ID == "" || r.Name == "" || r.Role.rank() == 0 || records[r.Name] != nil {
			return nil, fmt.Errorf("%s: account %d has no name, no role or the name of another: %w", name, i+1, mail.ErrDamaged)
		}
		records[r.Name] = r
	}
	return records, nil
}

func writeAccounts(fsys durable.FS, folder string, records map[string]*record) error {
	content := accountsJSON{Format: format, Accounts: make([]*record, 0, len(records))}
	for _, name := range slices.Sorted(maps.Keys(records)) {
		content.Accounts = append(content.Accounts, records[name])
	}
	return writeJSON(fsys, filepath.Join(folder, accountsFile), content)
}

// readJSON reads a whole file. The error wraps ErrDamaged for what is no such
// JSON, fs.ErrNotExist when there is no file.
func readJSON(fsys durable.FS, name string, into any) error {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields() // writing it again would lose them
	if err = d.Decode(into); err == nil && d.More() {
		err = errors.New("more behind its end")
	}
	if err != nil {
		return fmt.Errorf("read %s: %w: %w", name, mail.ErrDamaged, err)
	}
	return nil
}

func writeJSON(fsys durable.FS, name string, content any) error {
	b, err := json.MarshalIndent(content, "", "\t")
	if err != nil {
		return err
	}
	return durable.WriteFile(fsys, name, 0o600, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}
