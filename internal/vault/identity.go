package vault

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// markKey is drawn once for a vault and stands in each of its commit marks and
// in vault.json: in no record, and so in nothing that leaves the vault. Whoever
// only sends mail cannot know it, and nothing that they send is taken for a
// mark.
type markKey [16]byte

// MarshalText writes the key for JSON.
func (k markKey) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, k[:]), nil }

// UnmarshalText reads what MarshalText wrote.
func (k *markKey) UnmarshalText(b []byte) error {
	raw, err := hex.DecodeString(string(b))
	if err != nil || len(raw) != len(k) {
		return fmt.Errorf("%q is no key of marks: %w", b, mail.ErrDamaged)
	}
	*k = markKey(raw)
	return nil
}

// owner says whose a mark is.
type owner struct {
	vault UUID
	key   markKey
}

// home says where a mark belongs: a segment that was copied in the place of
// another, or bytes of one that the file system mixed up, hold no commits.
type home struct {
	owner
	segment uint64
}

// homeOf returns what the marks of the segment with that number say.
func (v *Vault) homeOf(number int) home { return home{v.owner, uint64(number)} }

func newOwner() owner {
	o := owner{vault: newUUID()}
	rand.Read(o.key[:]) // never fails (crypto/rand)
	return o
}

// identity is the content of vault.json.
type identity struct {
	Format int     `json:"format"`
	Vault  UUID    `json:"vault"`
	Key    markKey `json:"key"`
	owner  owner
}

// identify finds out which marks and records are the vault's own. The segments
// say so as well as vault.json, and are believed when they agree among
// themselves: else one flipped bit in that file, or the loss of it, would make
// every commit a stranger, and strangers behind the last commit are moved away.
func (v *Vault) identify(numbers []int) error {
	said, valid, err := v.readIdentity()
	if err != nil {
		return err
	}
	first, err := v.nextOwner(numbers, 0, 1)
	if err != nil {
		return err
	}
	switch {
	case first != nil && valid && *first == said.owner, first == nil && valid:
		v.owner, v.format = said.owner, said.Format
		return nil
	case first != nil:
		last, err := v.nextOwner(numbers, len(numbers)-1, -1)
		if err != nil {
			return err
		}
		if *last != *first {
			return fmt.Errorf("segments of the vaults %s and %s lie in one folder: take out those that do not belong here: %w", first.vault, last.vault, mail.ErrDamaged)
		}
		v.owner = *first
	default:
		if v.owner, err = v.searchOwner(numbers); err != nil {
			return err
		}
	}
	v.format = arrivalFormat
	if len(numbers) > 0 {
		v.log.Error("identity of the vault taken from its segments", "file", identityFile, "vault", v.owner.vault)
	}
	return v.writeIdentity()
}

// readIdentity reads vault.json. It is not valid when it is missing or no
// identity.
func (v *Vault) readIdentity() (said identity, valid bool, err error) {
	name := filepath.Join(v.folder, identityFile)
	b, err := readAll(v.fs, name)
	if errors.Is(err, fs.ErrNotExist) {
		return said, false, nil
	}
	if err != nil {
		return said, false, err
	}
	if err := json.Unmarshal(b, &said); err != nil {
		v.log.Error("identity of the vault cannot be read", "file", name, "error", err)
		return said, false, nil
	}
	if said.Format < arrivalFormat || said.Format > FormatVersion {
		return said, false, fmt.Errorf("%s has format %d, this program reads those up to %d: use a program of that version or newer", name, said.Format, FormatVersion)
	}
	said.owner = owner{said.Vault, said.Key}
	return said, true, nil
}

// upgrade makes the vault one of the newest format, before something goes into
// it that the first one does not know. Programs that know only that one refuse
// it from then on.
func (v *Vault) upgrade() error {
	v.upgrades.Lock()
	defer v.upgrades.Unlock()
	if v.format == FormatVersion {
		return nil
	}
	was := v.format
	v.format = FormatVersion
	if err := v.writeIdentity(); err != nil {
		v.format = was
		return fmt.Errorf("vault becomes one of format %d: %w", FormatVersion, kind(err))
	}
	v.putReadme()
	return nil
}

func (v *Vault) writeIdentity() error {
	id := identity{Format: v.format, Vault: v.owner.vault, Key: v.owner.key}
	return durable.WriteFile(v.fs, filepath.Join(v.folder, identityFile), 0o600, func(w io.Writer) error {
		return json.NewEncoder(w).Encode(id)
	})
}

// nextOwner returns what the first mark says in the first segment, from the
// one at place at on, that can be read from its beginning to that mark. No
// sender can put a mark there. It returns nil when there is none.
func (v *Vault) nextOwner(numbers []int, at, step int) (*owner, error) {
	for ; at >= 0 && at < len(numbers); at += step {
		var m *mark
		err := v.withSegment(numbers[at], func(f io.ReaderAt, size int64) (err error) {
			m, err = (&window{r: f, limit: size}).firstMark()
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("segment %d: %w", numbers[at], err)
		}
		if m != nil {
			return &m.owner, nil
		}
	}
	return nil, nil
}

// searchOwner is for when vault.json is gone and no segment begins as it
// should. Without any mark nothing was acknowledged and the vault is new.
func (v *Vault) searchOwner(numbers []int) (owner, error) {
	o := newOwner()
	for _, number := range numbers {
		found := false
		err := v.withSegment(number, func(f io.ReaderAt, size int64) error {
			w := &window{r: f, limit: size}
			m, _, err := w.findMark(0, nil)
			if err != nil {
				return err
			}
			if m != nil {
				o, found = m.owner, true
				return nil
			}
			// A lone commit whose mark is damaged: its records still count.
			if r, err := v.firstRecord(w); err == nil {
				o.vault, found = r.Vault, true
			}
			return nil
		})
		if err != nil || found {
			return o, err
		}
	}
	return o, nil
}

// withSegment opens a segment's file for the time of the call.
func (v *Vault) withSegment(number int, use func(f io.ReaderAt, size int64) error) error {
	f, err := v.openSegment(number)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return use(steady{f, v.log}, info.Size())
}

func readAll(fsys durable.FS, name string) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
