package vault

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"mailarchive/internal/mail"
)

// Seal is what a record of KindSeal says: an archive file holds the content of
// each record from First to Last that has any (Record.HasContent: arrivals, and
// what was restored), but for those in Except. It is written after the file was
// made sure of, and before any byte leaves the vault.
type Seal struct {
	File      string      `json:"file"` // without its folder
	SHA256    mail.Digest `json:"sha256"`
	Length    int64       `json:"length"` // of the file, in bytes
	First     uint64      `json:"first"`
	Last      uint64      `json:"last"`
	Except    []uint64    `json:"except,omitempty"` // rising: not in the file
	Messages  uint64      `json:"messages"`
	Bytes     int64       `json:"bytes"` // of content
	Encrypted bool        `json:"encrypted"`
	Key       string      `json:"key,omitempty"` // label of what opens it

	// Seq and Made are of the record: where it stands and when it was made.
	Seq  uint64    `json:"-"`
	Made time.Time `json:"-"`
}

// Holds reports whether the file has the content of the record with that seq.
func (s *Seal) Holds(seq uint64) bool {
	if seq < s.First || seq > s.Last {
		return false
	}
	_, except := slices.BinarySearch(s.Except, seq)
	return !except
}

// Elsewhere is the error for bytes that were released: it names the archive
// files that hold them, the newest first; none when the record that would say so
// is damaged. It wraps mail.ErrElsewhere.
type Elsewhere struct {
	ID     mail.ID // of the message
	Record mail.ID // of the record here whose content the files hold: another one for what was restored
	Seq    uint64  // of that record
	Files  []Seal
}

func (e *Elsewhere) Error() string {
	if len(e.Files) == 0 {
		return fmt.Sprintf("content of %s is in an archive file that no record names", e.ID)
	}
	return fmt.Sprintf("content of %s is in the archive file %s", e.ID, e.Files[0].File)
}

// Unwrap returns mail.ErrElsewhere.
func (e *Elsewhere) Unwrap() error { return mail.ErrElsewhere }

// Note appends a record that only tells something: value as JSON, under a kind
// of the caller's ("switch", "outcome", ...), not one that this package gives a
// meaning to. When it returns nil, the record survives power loss; errors as for
// Append, mail.ErrBadInput for what cannot be a note.
func (v *Vault) Note(ctx context.Context, kind string, value any) (seq uint64, err error) {
	if kind == "" || kind == KindSeal || (&Record{Kind: kind}).HasContent() {
		return 0, fmt.Errorf("note of kind %q: %w", kind, mail.ErrBadInput)
	}
	r, err := v.note(ctx, kind, value)
	if err != nil {
		return 0, fmt.Errorf("note: %w", err)
	}
	return r.Seq, nil
}

// Seal appends the record of an archive file, whose bytes and name have to be on
// disk and verified. When it returns nil, the record survives power loss and
// Release may follow. It returns the seal with Seq and Made. Errors as for Note.
func (v *Vault) Seal(ctx context.Context, s Seal) (Seal, error) {
	slices.Sort(s.Except)
	if s.File == "" || s.First == 0 || s.Last < s.First || s.Last > v.Last() || s.Length <= 0 {
		return Seal{}, fmt.Errorf("seal of records %d to %d, %d there, in %q of %d bytes: %w", s.First, s.Last, v.Last(), s.File, s.Length, mail.ErrBadInput)
	}
	r, err := v.note(ctx, KindSeal, s)
	if err != nil {
		return Seal{}, fmt.Errorf("seal: %w", err)
	}
	return r.seal(), nil
}

func (v *Vault) note(ctx context.Context, kind string, value any) (*Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(value)
	if err != nil || len(b) == 0 || b[0] != '{' {
		return nil, fmt.Errorf("%q is no object of JSON (%v): %w", b, err, mail.ErrBadInput)
	}
	if err := v.upgrade(); err != nil {
		return nil, err
	}
	r := &request{kind: kind, note: b}
	if err := v.submit(r); err != nil {
		return nil, err
	}
	return r.record, nil
}

// seal reads the note of a record of KindSeal; what does not fit stays empty.
func (r *Record) seal() Seal {
	var s Seal
	if err := json.Unmarshal(r.Note, &s); err != nil {
		s = Seal{}
	}
	s.Seq = r.Seq
	s.Made, _ = time.Parse(timeLayout, r.Received) // checked by DecodeRecord
	return s
}

// Sealed returns what the vault's records say of archive files, by rising Seq.
// It is cheap.
func (v *Vault) Sealed() []Seal {
	v.mu.Lock()
	unread := v.unread
	v.mu.Unlock()
	for _, seq := range unread {
		v.loadSeal(seq)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.seals)
}

// sealsOf returns the seals that hold the content of a record, newest first.
func (v *Vault) sealsOf(seq uint64) (all []Seal) {
	for _, s := range slices.Backward(v.Sealed()) {
		if s.Holds(seq) {
			all = append(all, s)
		}
	}
	return all
}

// loadRecords reads at a start what is kept in memory of records: the seals, and
// by which records arrivals were restored. Indexes tell which segments have any.
// One that cannot be read today ends the start, as elsewhere: without it messages
// would seem not to be there. What is damaged is lost.
func (v *Vault) loadRecords() error {
	for _, s := range v.segments {
		if s.counts != (counts{}) {
			v.renewFormat()
		}
		if s.seals == 0 && s.restored == 0 {
			continue
		}
		entries, err := v.currentEntries(s)
		if err != nil && !errors.Is(err, mail.ErrDamaged) {
			return fmt.Errorf("records of archive files: %w", err)
		}
		if err != nil {
			v.log.Error("records of archive files cannot be read", "segment", s.number, "error", err)
		}
		for _, e := range entries {
			if e.flags&entryRestored != 0 {
				v.restored.add(idKey(e.other), e.seq)
			}
			if e.flags&entrySeal != 0 {
				v.unread = append(v.unread, e.seq)
			}
		}
	}
	for _, seq := range v.unread {
		v.loadSeal(seq)
	}
	return nil
}

// renewFormat writes again what a lost vault.json said, once a segment shows it.
func (v *Vault) renewFormat() {
	if err := v.upgrade(); err != nil {
		v.log.Warn("format of the vault not written", "file", identityFile, "error", err)
	}
}

// loadSeal reads a seal that is unread. A disk that does not give it now may do
// so later.
func (v *Vault) loadSeal(seq uint64) {
	i, err := v.readSeq(seq)
	if err == nil {
		err = i.Err
	}
	var r *Record
	if err == nil {
		r, err = DecodeRecord(i.Record)
	}
	if err != nil {
		v.log.Error("record of an archive file cannot be read", "seq", seq, "error", err)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(v.unread), func(s uint64) bool { return s == seq })
	if len(rest) == len(v.unread) {
		return // another call was quicker
	}
	v.unread = rest
	at, _ := slices.BinarySearchFunc(v.seals, seq, func(s Seal, seq uint64) int { return cmp.Compare(s.Seq, seq) })
	v.seals = slices.Insert(v.seals, at, r.seal())
}
