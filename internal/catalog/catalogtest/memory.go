package catalogtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/keyword"
	"mailarchive/internal/mail"
)

// Memory is a catalog that keeps documents as they came.
type Memory struct {
	mu       sync.Mutex
	cursor   uint64
	messages []*message
	memo     memo
	terms    *keyword.Frequencies
}

var _ catalog.Catalog = (*Memory)(nil)

// Apply implements [catalog.Catalog].
func (c *Memory) Apply(ctx context.Context, batch []catalog.Document, upTo uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.memo == nil {
		c.memo = memo{}
	}
	for i := 1; i < len(batch); i++ {
		if batch[i].Arrival.Seq <= batch[i-1].Arrival.Seq {
			return mail.ErrBadInput
		}
	}
	for _, d := range batch {
		if d.Arrival.Seq > c.cursor {
			c.add(d)
			c.cursor = d.Arrival.Seq
		}
	}
	c.cursor = max(c.cursor, upTo)
	return nil
}

func (c *Memory) add(d catalog.Document) {
	for _, m := range c.messages {
		if m.first.Digest == d.Arrival.Digest {
			m.arrivals, m.ways = append(m.arrivals, d.Arrival), append(m.ways, d.Direction)
			if m.doc.Unread && !d.Unread {
				c.choose(&d)
				m.doc = d
			}
			return
		}
	}
	if !d.Unread {
		c.choose(&d)
	}
	c.messages = append(c.messages, &message{
		first: d.Arrival, sortDate: d.SortDate.UTC().Truncate(time.Millisecond),
		doc: d, arrivals: []mail.Arrival{d.Arrival}, ways: []mail.Direction{d.Direction}, memo: c.memo,
	})
}

// choose gives a message that is read for the first time its keywords.
func (c *Memory) choose(d *catalog.Document) {
	if c.terms == nil {
		c.terms = keyword.NewFrequencies()
	}
	if chosen := c.terms.Choose(d.Candidates); len(d.Candidates) > 0 {
		d.Keywords = chosen
	}
}

// Counts implements [catalog.Catalog].
func (c *Memory) Counts(context.Context) (catalog.Counts, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := catalog.Counts{Cursor: c.cursor, Messages: uint64(len(c.messages)), Indexed: uint64(len(c.messages))}
	for _, m := range c.messages {
		n.Arrivals += uint64(len(m.arrivals))
		n.BytesRaw += uint64(m.first.Size)
		if len(m.doc.Problems) > 0 {
			n.Unparseable++
		}
	}
	return n, nil
}

// Search implements [catalog.Catalog]. A position is the ID of the last row.
func (c *Memory) Search(ctx context.Context, q catalog.Query, yield func(catalog.Hit) bool) error {
	found, err := c.find(q)
	if err != nil {
		return err
	}
	for i, m := range found {
		if q.Limit > 0 && i == q.Limit || ctx.Err() != nil {
			break
		}
		r := m.row()
		if !yield(catalog.Hit{Row: r, Next: catalog.Position(r.ID.String())}) {
			break
		}
	}
	return ctx.Err()
}

func (c *Memory) find(q catalog.Query) ([]*message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := checkFields(q.Where); err != nil || !q.Scope.All() {
		return nil, err
	}
	sorted := slices.Clone(c.messages)
	slices.SortStableFunc(sorted, func(a, b *message) int {
		if q.Order == catalog.LastArrivedFirst {
			return cmp.Compare(b.first.Seq, a.first.Seq)
		}
		return cmp.Or(b.sortDate.Compare(a.sortDate), cmp.Compare(b.first.Seq, a.first.Seq))
	})
	if q.After != "" {
		i := slices.IndexFunc(sorted, func(m *message) bool { return m.first.ID.String() == string(q.After) })
		if i < 0 {
			return nil, fmt.Errorf("position %q: %w", q.After, mail.ErrBadInput)
		}
		sorted = sorted[i+1:]
	}
	return slices.DeleteFunc(sorted, func(m *message) bool { return !matches(q.Where, m) }), nil
}

func (m *message) row() catalog.Row {
	d := m.doc
	r := catalog.Row{
		ID: m.first.ID, Digest: m.first.Digest, Size: m.first.Size, SortDate: m.sortDate,
		Date: d.Date, Received: m.first.Received, MessageID: d.MessageID, Subject: d.Subject,
		From: d.From, To: d.To, Cc: d.Cc, Bcc: d.Bcc, Attachments: d.Attachments,
		Keywords: d.Keywords, Problems: d.Problems, Arrivals: len(m.arrivals),
	}
	for _, a := range m.arrivals {
		for _, to := range a.Envelope.To {
			if !slices.Contains(r.DeliveredTo, to.Address) {
				r.DeliveredTo = append(r.DeliveredTo, to.Address)
			}
		}
	}
	return r
}

// Count implements [catalog.Catalog].
func (c *Memory) Count(_ context.Context, scope access.Scope, where catalog.Node, limit int) (int, bool, error) {
	found, err := c.find(catalog.Query{Scope: scope, Where: where})
	return min(len(found), limit), len(found) > limit, err
}

// Lookup implements [catalog.Catalog].
func (c *Memory) Lookup(_ context.Context, scope access.Scope, ref string) (catalog.Row, error) {
	byID := func(m *message) bool {
		return slices.ContainsFunc(m.arrivals, func(a mail.Arrival) bool {
			return len(ref) >= 4 && strings.HasPrefix(a.ID.String(), strings.ToUpper(ref))
		})
	}
	byMessageID := func(m *message) bool {
		return m.doc.MessageID != "" && catalog.FoldMessageID(m.doc.MessageID) == catalog.FoldMessageID(ref)
	}
	all, err := c.find(catalog.Query{Scope: scope})
	if err != nil {
		return catalog.Row{}, err
	}
	for _, names := range []func(*message) bool{byID, byMessageID} {
		found := slices.DeleteFunc(slices.Clone(all), func(m *message) bool { return !names(m) })
		switch {
		case len(found) == 1:
			return found[0].row(), nil
		case len(found) > 1:
			return catalog.Row{}, mail.ErrAmbiguous
		}
	}
	return catalog.Row{}, mail.ErrNotFound
}

// Arrivals implements [catalog.Catalog].
func (c *Memory) Arrivals(_ context.Context, scope access.Scope, id mail.ID) ([]mail.Arrival, error) {
	all, err := c.find(catalog.Query{Scope: scope})
	for _, m := range all {
		if slices.ContainsFunc(m.arrivals, func(a mail.Arrival) bool { return a.ID == id }) {
			return slices.Clone(m.arrivals), err
		}
	}
	return nil, mail.ErrNotFound
}

// Imported implements [catalog.Catalog].
func (c *Memory) Imported(_ context.Context, key mail.Digest) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.messages, func(m *message) bool {
		return slices.ContainsFunc(m.arrivals, func(a mail.Arrival) bool {
			return a.Envelope.Origin != nil && a.Envelope.Origin.Key == key
		})
	}), nil
}

// Check implements [catalog.Catalog].
func (c *Memory) Check(context.Context) error { return nil }

// Close implements [catalog.Catalog].
func (c *Memory) Close() error { return nil }
