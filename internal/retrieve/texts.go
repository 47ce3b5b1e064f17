package retrieve

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// What a snippet is made from: the beginning of a message. Mail writes what it
// has to say first; the text of all but one in a hundred messages ends before.
const (
	snippetContent = 64 << 10 // bytes of the content
	snippetText    = 32 << 10 // bytes of its text
)

// textsKept is how many bytes of text are remembered unless told otherwise.
const textsKept = 32 << 20

// Text returns the beginning of the searchable text of a message for a
// snippet. The row is one that the catalog gave out; for an asker who may not
// see everything it is looked up within the scope once more. The reading is part
// of the search and is recorded with it. The digest of content that is longer
// than what is looked at is not compared: the text is a line in a list, and
// whoever opens the message gets checked bytes.
//
// Texts are remembered; all methods may be called at once. Errors: ErrNotFound
// (also for what is not the asker's), ErrDamaged.
func (d *Door) Text(ctx context.Context, asker access.Scope, row catalog.Row) (string, error) {
	if !asker.All() {
		if _, err := d.Catalog.Lookup(ctx, asker, row.ID.String()); err != nil {
			return "", fmt.Errorf("text of %s: %w", row.ID, err)
		}
	}
	if text, ok := d.texts.get(row.Digest); ok {
		return text, nil
	}
	content, err := d.beginning(ctx, row)
	if errors.Is(err, mail.ErrDamaged) || errors.Is(err, mail.ErrNotFound) || errors.Is(err, mail.ErrElsewhere) {
		_, content, err = d.Open(ctx, asker, row.ID.String(), ToSnippet) // another arrival may have the bytes
	}
	if err != nil {
		return "", err
	}
	defer content.Close()
	text, err := d.texts.read(content)
	if err != nil {
		return "", err
	}
	d.texts.put(row.Digest, text, d.textsKept())
	return text, nil
}

// beginning opens the bytes of a message's first arrival: checked, unless that
// would mean to read more than is looked at.
func (d *Door) beginning(ctx context.Context, row catalog.Row) (io.ReadCloser, error) {
	open := func() (io.ReadCloser, error) {
		_, content, err := d.Vault.Open(ctx, row.ID)
		return content, err
	}
	if row.Size > snippetContent {
		return open()
	}
	return readChecked(open, row.Digest, row.Size)
}

func (d *Door) textsKept() int {
	if d.TextsKept == 0 {
		return textsKept
	}
	return d.TextsKept
}

// texts are the texts that were asked for lately, by the digest of their
// content. The zero value works.
type texts struct {
	extractors sync.Pool

	mu       sync.Mutex
	byDigest map[mail.Digest]*list.Element // of kept
	kept     list.List                     // of text, lately used first
	size     int
}

type text struct {
	digest mail.Digest
	text   string
}

// overhead is about what a text takes besides its bytes.
const overhead = 256

func (t text) size() int { return len(t.text) + overhead }

func (t *texts) read(content io.Reader) (string, error) {
	x, _ := t.extractors.Get().(*extract.Extractor)
	if x == nil {
		x = extract.New(extract.Limits{Text: snippetText, Headers: snippetContent, Participants: 100, Attachments: 1})
	}
	defer t.extractors.Put(x)
	m, err := x.Extract(io.LimitReader(content, snippetContent))
	return m.Text, err
}

func (t *texts) get(digest mail.Digest) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byDigest[digest]
	if e == nil {
		return "", false
	}
	t.kept.MoveToFront(e)
	return e.Value.(text).text, true
}

// put remembers a text, and forgets those not used for longest so that no more
// than most bytes are kept.
func (t *texts) put(digest mail.Digest, s string, most int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byDigest == nil {
		t.byDigest = map[mail.Digest]*list.Element{}
	}
	if t.byDigest[digest] != nil {
		return
	}
	fresh := text{digest, s}
	t.byDigest[digest] = t.kept.PushFront(fresh)
	for t.size += fresh.size(); t.size > most; {
		last := t.kept.Remove(t.kept.Back()).(text)
		delete(t.byDigest, last.digest)
		t.size -= last.size()
	}
}
