package redeliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"mailarchive/internal/access"
	"mailarchive/internal/mail"
)

// shelf is an archive in memory.
type shelf struct {
	mu        sync.Mutex
	messages  map[mail.ID]string
	delivered []mail.Address
	cut       error // in place of the end
}

// put changes a message; end what comes in place of its end.
func (s *shelf) put(id mail.ID, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages[id] = content
}

func (s *shelf) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = err
}

func shelfWith(id mail.ID, content string) *shelf {
	return &shelf{messages: map[mail.ID]string{id: content}}
}

func (s *shelf) Open(_ context.Context, asker access.Scope, id mail.ID) (Original, io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, ok := s.messages[id]
	if !ok || !asker.All() {
		return Original{}, nil, mail.ErrNotFound
	}
	var r io.Reader = strings.NewReader(content)
	if s.cut != nil {
		r = io.MultiReader(r, iotest.ErrReader(s.cut))
	}
	o := Original{ID: id, Digest: mail.Sum([]byte(content)), Size: int64(len(content)), Delivered: s.delivered}
	return o, io.NopCloser(r), nil
}

// ledger notes orders, and refuses when told to.
type ledger struct {
	mu     sync.Mutex
	orders []string
	refuse error
}

func (l *ledger) Record(_ context.Context, o Order) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return l.refuse
	}
	l.orders = append(l.orders, fmt.Sprint(o.Actor, " ", o.Action, " ", o.Message, " ", o.To))
	return nil
}

var errLedger = errors.New("the audit record is full")

var root = access.Everything("root")

func id(n byte) mail.ID { return mail.ID{15: n} }

// planFor is the plan to send messages to addresses.
func planFor(t testing.TB, s Source, to []mail.Address, ids ...mail.ID) Plan {
	t.Helper()
	p := Planner{Source: s, Host: composer.Host}
	plan, err := p.Plan(t.Context(), Request{By: root, Messages: ids, To: to, External: true})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
