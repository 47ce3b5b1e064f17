// Package controltest has an archive in memory for tests of whatever speaks to
// a control.Archive.
//
// In come messages; out they go as they came. Nothing is on disk, ever.
package controltest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// Message is one message of the archive in memory.
type Message struct {
	control.Shown
	Raw      []byte
	Envelope mail.Envelope
}

// Archive keeps messages in memory, newest last. The zero value is empty.
type Archive struct {
	// Fail, when set, is asked at the begin of each call by its name and may
	// answer with the error to return.
	Fail func(call string) error
	// Cut makes Raw fail with this error after half of the bytes.
	Cut error
	// Notice, when set, is asked for the notice of each answer.
	Notice func(q control.SearchRequest) string
	// Findings are what Verify finds.
	Findings []control.Finding

	mu       sync.Mutex
	messages []Message
	scopes   []access.Scope
	queue    []control.QueueEntry
	files    []control.ArchiveFile
	users    []control.User
}

func (a *Archive) fail(call string) error {
	if a.Fail == nil {
		return nil
	}
	return a.Fail(call)
}

func (a *Archive) notice(q control.SearchRequest) string {
	if a.Notice == nil {
		return ""
	}
	return a.Notice(q)
}

// Add puts a message in.
func (a *Archive) Add(m Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.messages = append(a.messages, m)
}

// Messages returns what is in.
func (a *Archive) Messages() []Message {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Message(nil), a.messages...)
}

// Scopes returns the scopes of all reading calls.
func (a *Archive) Scopes() []access.Scope {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]access.Scope(nil), a.scopes...)
}

func (a *Archive) read(scope access.Scope) []Message {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scopes = append(a.scopes, scope)
	if !scope.All() {
		return nil
	}
	return append([]Message(nil), a.messages...)
}

// Accept keeps the content, with its first Subject line.
func (a *Archive) Accept(ctx context.Context, envelope mail.Envelope, content io.Reader) (mail.Arrival, error) {
	if err := a.fail("accept"); err != nil {
		return mail.Arrival{}, err
	}
	raw, err := io.ReadAll(content)
	if err != nil {
		return mail.Arrival{}, fmt.Errorf("accept: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var last mail.ID
	if n := len(a.messages); n > 0 {
		last = a.messages[n-1].ID
	}
	now := time.Date(2026, 11, 24, 12, 0, len(a.messages), 0, time.UTC)
	m := Message{Raw: raw, Envelope: envelope}
	m.ID, m.Date, m.Received = mail.NextID(last, now), now, now
	m.Size, m.SHA256, m.Subject = int64(len(raw)), mail.Sum(raw), subjectOf(raw)
	a.messages = append(a.messages, m)
	return mail.Arrival{ID: m.ID, Seq: uint64(len(a.messages)), Digest: m.SHA256, Size: m.Size, Received: now}, nil
}

func subjectOf(raw []byte) string {
	for line := range bytes.Lines(raw) {
		if subject, ok := bytes.CutPrefix(line, []byte("Subject: ")); ok {
			return strings.ToValidUTF8(string(bytes.TrimSpace(subject)), "�")
		}
	}
	return ""
}

// Imported looks for the key.
func (a *Archive) Imported(_ context.Context, key mail.Digest) (bool, error) {
	if err := a.fail("imported"); err != nil {
		return false, err
	}
	for _, m := range a.Messages() {
		if m.Envelope.Origin != nil && m.Envelope.Origin.Key == key {
			return true, nil
		}
	}
	return false, nil
}

// Search finds the messages whose subject has the query in it, newest first. A
// query with one quotation mark is bad input.
func (a *Archive) Search(ctx context.Context, scope access.Scope, q control.SearchRequest, yield func(control.Hit) error) (end control.SearchEnd, err error) {
	if err := a.fail("search"); err != nil {
		return end, err
	}
	if strings.Count(q.Query, `"`)%2 == 1 {
		return end, fmt.Errorf("the quotation mark at 1 has no end: %w", mail.ErrBadInput)
	}
	end.Notice = a.notice(q)
	skip, _ := strconv.Atoi(q.After)
	yielded := 0
	messages := a.read(scope)
	for i := len(messages) - 1; i >= 0; i-- {
		m := messages[i]
		if !strings.Contains(m.Subject, q.Query) {
			continue
		}
		end.Total++
		if end.Total <= skip {
			continue
		}
		if q.Limit > 0 && yielded == q.Limit {
			end.More, end.Next = true, strconv.Itoa(skip+yielded)
			continue
		}
		yielded++
		if err := yield(m.Hit); err != nil {
			return end, err
		}
	}
	return end, ctx.Err()
}

func (a *Archive) find(call string, scope access.Scope, ref string) (Message, error) {
	if err := a.fail(call); err != nil {
		return Message{}, err
	}
	var found []Message
	for _, m := range a.read(scope) {
		if strings.HasPrefix(m.ID.String(), strings.ToUpper(ref)) || m.MessageID == ref {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 0:
		return Message{}, fmt.Errorf("message %s: %w", ref, mail.ErrNotFound)
	case 1:
		return found[0], nil
	default:
		return Message{}, fmt.Errorf("message %s: %w", ref, mail.ErrAmbiguous)
	}
}

// Show returns a message.
func (a *Archive) Show(_ context.Context, scope access.Scope, ref string) (control.Shown, error) {
	m, err := a.find("show", scope, ref)
	return m.Shown, err
}

// Raw returns the bytes of a message.
func (a *Archive) Raw(_ context.Context, scope access.Scope, ref string) (io.ReadCloser, error) {
	m, err := a.find("raw", scope, ref)
	if err != nil {
		return nil, err
	}
	if a.Cut != nil {
		return io.NopCloser(io.MultiReader(bytes.NewReader(m.Raw[:len(m.Raw)/2]), failing{a.Cut})), nil
	}
	return io.NopCloser(bytes.NewReader(m.Raw)), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Stats counts the messages.
func (a *Archive) Stats(_ context.Context, scope access.Scope) (control.Stats, error) {
	if err := a.fail("stats"); err != nil {
		return control.Stats{}, err
	}
	s := control.Stats{Vault: "00000000-0000-4000-8000-000000000000", Segments: 1, InStep: true, Notice: a.notice(control.SearchRequest{})}
	for _, m := range a.read(scope) {
		s.Arrivals++
		s.Stored++
		s.Indexed++
		s.BytesRaw += uint64(m.Size)
		s.LastReceived = m.Received
	}
	s.BytesDisk = s.BytesRaw / 2
	return s, nil
}

// Volume tells of two periods, the second within before.
func (a *Archive) Volume(_ context.Context, _ access.Scope, unit catalog.Unit, since, _ time.Time) ([]catalog.Period, error) {
	if err := a.fail("volume"); err != nil {
		return nil, err
	}
	start, ok := unit.Start(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	if !ok {
		return nil, fmt.Errorf("unit %q: %w", unit, mail.ErrBadInput)
	}
	if start.Before(since) {
		return nil, nil
	}
	next, _ := unit.Start(start.AddDate(1, 1, 1))
	in := catalog.Amount{Messages: 1, Bytes: 40}
	return []catalog.Period{
		{Start: start, Amount: catalog.Amount{Messages: 3, Bytes: 131}, Ways: map[mail.Direction]catalog.Amount{mail.In: in}},
		{Start: next, Amount: catalog.Amount{Messages: 1, Bytes: 51}, Ways: map[mail.Direction]catalog.Amount{}},
	}, nil
}

// Top tells of two values.
func (a *Archive) Top(_ context.Context, _ access.Scope, of catalog.Dimension, limit int) ([]catalog.Tally, error) {
	if err := a.fail("top"); err != nil {
		return nil, err
	}
	list := []catalog.Tally{
		{Value: string(of) + " one", Amount: catalog.Amount{Messages: 4, Bytes: 182}},
		{Value: string(of) + " two", Amount: catalog.Amount{Messages: 1, Bytes: 40}},
	}
	return list[:min(limit, len(list))], nil
}

// Verify reports a step for each message, and the Findings.
func (a *Archive) Verify(ctx context.Context, progress func(control.Progress), finding func(control.Finding)) (control.Verified, error) {
	v := control.Verified{Segments: 1, Findings: len(a.Findings)}
	for i := range a.Messages() {
		v.Arrivals++
		progress(control.Progress{Done: int64(i + 1), Total: int64(len(a.Messages())), Unit: "messages"})
	}
	for _, f := range a.Findings {
		finding(f)
	}
	// Last, so that tests see an error after lines were sent.
	return v, a.fail("verify")
}

// Reindex reports a step for each message.
func (a *Archive) Reindex(ctx context.Context, progress func(control.Progress)) error {
	for i := range a.Messages() {
		progress(control.Progress{Done: int64(i + 1), Total: int64(len(a.Messages())), Unit: "messages"})
	}
	return a.fail("reindex")
}
