package catalogtest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// Volume implements [catalog.Catalog].
func (c *Memory) Volume(_ context.Context, scope access.Scope, unit catalog.Unit, since, before time.Time) ([]catalog.Period, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := unit.Start(time.Time{}); !ok {
		return nil, fmt.Errorf("unit %q: %w", unit, mail.ErrBadInput)
	}
	periods := map[time.Time]*catalog.Period{}
	for _, m := range c.counted(scope) {
		hour := m.sortDate.Truncate(time.Hour)
		if !since.IsZero() && hour.Before(since) || !before.IsZero() && !hour.Before(before) {
			continue
		}
		start, _ := unit.Start(hour)
		p := periods[start]
		if p == nil {
			p = &catalog.Period{Start: start, Ways: map[mail.Direction]catalog.Amount{}}
			periods[start] = p
		}
		p.Add(m.first.Size)
		if way := m.ways[0]; way != "" {
			a := p.Ways[way]
			a.Add(m.first.Size)
			p.Ways[way] = a
		}
	}
	var list []catalog.Period
	for _, start := range slices.SortedFunc(maps.Keys(periods), time.Time.Compare) {
		list = append(list, *periods[start])
	}
	return list, nil
}

// counted are the messages that could be read, within the scope.
func (c *Memory) counted(scope access.Scope) []*message {
	return slices.DeleteFunc(slices.Clone(c.messages), func(m *message) bool { return !scope.All() || m.doc.Unread })
}

// Top implements [catalog.Catalog].
func (c *Memory) Top(_ context.Context, scope access.Scope, of catalog.Dimension, limit int) ([]catalog.Tally, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(catalog.Dimensions(), of) {
		return nil, fmt.Errorf("dimension %q: %w", of, mail.ErrBadInput)
	}
	amounts := map[string]catalog.Amount{}
	forms := map[string]map[string]int{} // by value: how often it is written so
	for _, m := range c.counted(scope) {
		counted := catalog.Counted{
			Size: m.first.Size, Way: m.ways[0], Keywords: m.doc.Keywords,
			Senders:    addressesOf(m.doc.From),
			Recipients: addressesOf(slices.Concat(m.doc.To, m.doc.Cc, m.doc.Bcc)),
		}
		for _, to := range m.first.Envelope.To {
			counted.Recipients = append(counted.Recipients, string(to.Address))
		}
		values, _ := counted.Values(of)
		for _, v := range values {
			a := amounts[v]
			a.Add(m.first.Size)
			amounts[v] = a
		}
		for v, form := range counted.Forms() {
			if forms[v] == nil {
				forms[v] = map[string]int{}
			}
			forms[v][form]++
		}
	}
	var list []catalog.Tally
	for v, a := range amounts {
		list = append(list, catalog.Tally{Value: v, Amount: a})
	}
	slices.SortFunc(list, func(a, b catalog.Tally) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Value, b.Value))
	})
	list = list[:min(len(list), limit)]
	for i := range list {
		if of == catalog.ByKeyword {
			list[i].Value = mostOf(forms[list[i].Value])
		}
	}
	return list, nil
}

// mostOf returns the most frequent form, of several the first.
func mostOf(forms map[string]int) (form string) {
	for _, f := range slices.Sorted(maps.Keys(forms)) {
		if forms[f] > forms[form] {
			form = f
		}
	}
	return form
}

func addressesOf(people []extract.Participant) (list []string) {
	for _, p := range people {
		list = append(list, p.Address)
	}
	return list
}

// statistics compares counts with the reference while a catalog grows, in
// batches of different sizes, with copies and content that is read late.
func statistics(t *testing.T, s suite) {
	documents := mixture(400)
	for i := range documents {
		documents[i].Unread = i%7 == 0
	}
	for n := 1; len(documents) > 0; n = n*3 + 1 {
		n := min(n, len(documents))
		s.apply(t, documents[:n]...)
		documents = documents[n:]
		s.agreeOnStatistics(t)
	}
}

func (s suite) agreeOnStatistics(t *testing.T) {
	t.Helper()
	for _, unit := range []catalog.Unit{catalog.Hour, catalog.Day, catalog.Month, catalog.Year} {
		for _, span := range [][2]time.Time{{}, {start, {}}, {start.AddDate(0, 0, -3), start.AddDate(0, 0, 3)}} {
			want, _ := s.reference.Volume(t.Context(), Everything(), unit, span[0], span[1])
			got, err := s.Volume(t.Context(), Everything(), unit, span[0], span[1])
			if diff := gocmp.Diff(want, got); diff != "" || err != nil {
				t.Fatalf("volume by %s: %v (-want +got):\n%s", unit, err, diff)
			}
		}
	}
	for _, of := range catalog.Dimensions() {
		for _, limit := range []int{1, 1000} {
			want, _ := s.reference.Top(t.Context(), Everything(), of, limit)
			got, err := s.Top(t.Context(), Everything(), of, limit)
			if diff := gocmp.Diff(want, got); diff != "" || err != nil {
				t.Fatalf("top %d by %s: %v (-want +got):\n%s", limit, of, err, diff)
			}
		}
	}
	if got, err := s.Top(t.Context(), access.Scope{}, catalog.BySender, 9); len(got) > 0 || err != nil {
		t.Errorf("an empty scope sees %v, %v", got, err)
	}
	if got, err := s.Volume(t.Context(), access.Scope{}, catalog.Day, time.Time{}, time.Time{}); len(got) > 0 || err != nil {
		t.Errorf("an empty scope sees %v, %v", got, err)
	}
}
