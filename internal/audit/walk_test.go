package audit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mailarchive/internal/mail"
)

// history writes n entries over some months and returns them, oldest first.
func history(t testing.TB, n int) (*lab, []Entry, []mail.ID) {
	l := newLab(t, Options{})
	rng := rand.New(rand.NewPCG(1, 2))
	ids := []mail.ID{mail.NextID(mail.ID{}, noon), mail.NextID(mail.ID{}, noon), {}}
	acts := []Act{ActSearch, ActShow, ActRaw}
	now := noon
	for i := 0; i < n; i += 50 {
		now = now.Add(time.Duration(rng.IntN(72)) * time.Hour)
		l.setClock(now)
		var answers []<-chan error
		for j := range 50 {
			e := Entry{
				Actor: fmt.Sprint("a", rng.IntN(3)), Act: acts[rng.IntN(3)], Object: fmt.Sprint("o", rng.IntN(4)),
				Query: fmt.Sprint(i+j, string(make([]byte, rng.IntN(100)))),
			}
			if id := ids[rng.IntN(3)]; !id.IsZero() {
				e.IDs = []mail.ID{id}
			}
			answers = append(answers, l.log.enqueue(&request{body: must(encodeBody(e)), done: make(chan error, 1)}))
		}
		for _, a := range answers {
			if err := <-a; err != nil {
				t.Fatal(err)
			}
		}
	}
	all := collect(t, l.log, Filter{})
	if len(all) != n {
		t.Fatalf("%d entries, want %d", len(all), n)
	}
	return l, all, ids
}

// naive is the filter, entry by entry.
func naive(all []Entry, f Filter) []uint64 {
	all = slices.Clone(all)
	if f.Newest {
		slices.Reverse(all)
	}
	var seqs []uint64
	for _, e := range all {
		switch {
		case !f.From.IsZero() && e.Time.Before(f.From), !f.Until.IsZero() && !e.Time.Before(f.Until),
			e.Seq <= f.After, f.Before > 0 && e.Seq >= f.Before,
			f.Actor != "" && e.Actor != f.Actor, f.Object != "" && e.Object != f.Object,
			len(f.Acts) > 0 && !slices.Contains(f.Acts, e.Act),
			!f.ID.IsZero() && !slices.Contains(e.IDs, f.ID):
			continue
		}
		if seqs = append(seqs, e.Seq); len(seqs) == f.Limit {
			break
		}
	}
	return seqs
}

// Walk gives what a naive reading gives, in its order.
func TestWalkAsANaiveReading(t *testing.T) {
	const n = 3000
	l, all, ids := history(t, n)
	if len(l.log.parts) < 3 {
		t.Fatalf("only %d files", len(l.log.parts))
	}
	moment := rapid.Custom(func(r *rapid.T) time.Time {
		if rapid.Bool().Draw(r, "none") {
			return time.Time{}
		}
		at := all[rapid.IntRange(0, n-1).Draw(r, "at")].Time
		return at.Add(time.Duration(rapid.IntRange(-1, 1).Draw(r, "off")) * time.Millisecond)
	})
	seq := rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64Range(0, n+2))
	rapid.Check(t, func(r *rapid.T) {
		f := Filter{
			From: moment.Draw(r, "from"), Until: moment.Draw(r, "until"), After: seq.Draw(r, "after"), Before: seq.Draw(r, "before"),
			Actor: rapid.SampledFrom([]string{"", "a1", "none"}).Draw(r, "actor"), Object: rapid.SampledFrom([]string{"", "", "o2"}).Draw(r, "object"),
			Acts: rapid.SampledFrom([][]Act{nil, nil, {ActShow, ActRaw}}).Draw(r, "acts"), ID: rapid.SampledFrom(append(ids, mail.ID{}, mail.ID{})).Draw(r, "id"),
			Newest: rapid.Bool().Draw(r, "newest"), Limit: rapid.SampledFrom([]int{0, 1, 7}).Draw(r, "limit"),
		}
		var got []uint64
		for _, e := range collect(t, l.log, f) {
			got = append(got, e.Seq)
		}
		if diff := cmp.Diff(naive(all, f), got); diff != "" {
			r.Fatalf("%+v: want (-), got (+):\n%s", f, diff)
		}
	})
}

// Pages that begin where the last one ended have every entry once.
func TestPages(t *testing.T) {
	l, all, _ := history(t, 500)
	for _, newest := range []bool{false, true} {
		f := Filter{Newest: newest, Limit: 30, Actor: "a0"}
		var got []uint64
		for {
			page := collect(t, l.log, f)
			for _, e := range page {
				got = append(got, e.Seq)
			}
			if len(page) < f.Limit {
				break
			}
			if last := page[len(page)-1].Seq; newest {
				f.Before = last
			} else {
				f.After = last
			}
		}
		if diff := cmp.Diff(naive(all, Filter{Newest: newest, Actor: "a0"}), got); diff != "" {
			t.Errorf("newest %t: want (-), got (+):\n%s", newest, diff)
		}
	}
}

// The newest entries are found without reading all of the file.
func TestNewestReadsLittle(t *testing.T) {
	l, _, _ := history(t, 20_000)
	read := 0
	l.disk.Before(readCounter(&read))
	if got := collect(t, l.log, Filter{Newest: true, Limit: 50}); len(got) != 50 {
		t.Fatalf("%d entries", len(got))
	}
	if read > 4*block {
		t.Errorf("%d bytes were read for 50 entries, want at most %d", read, 4*block)
	}
}

func TestWalkEnds(t *testing.T) {
	l, _, _ := history(t, 100)
	stop := errors.New("enough of it")
	n := 0
	err := l.log.Walk(t.Context(), Filter{}, func(Entry) error {
		if n++; n == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || n != 3 {
		t.Errorf("%v after %d entries", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.log.Walk(ctx, Filter{}, func(Entry) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want Canceled", err)
	}
}

// What cannot be read does not hide the rest, and is told of.
func TestWalkPastDamage(t *testing.T) {
	for what, spoil := range map[string]func(string) string{
		"a line":   func(s string) string { l := split(s); l[1] = "{\n"; return l[0] + l[1] + l[2] + l[3] },
		"the end":  func(s string) string { l := split(s); return l[0] + l[1] + l[2] },
		"a file":   nil,
		"no lines": func(s string) string { return string(make([]byte, 3*maxLine)) },
	} {
		t.Run(what, func(t *testing.T) {
			l := newLab(t, Options{})
			l.record("a", "b", "c", "d")
			l.setClock(noon.AddDate(0, 2, 0))
			l.record("e")
			if spoil == nil {
				l.remove(november)
			} else {
				l.write(november, spoil(l.read(november)))
			}
			for _, newest := range []bool{false, true} {
				var got []string
				err := l.log.Walk(t.Context(), Filter{Newest: newest}, func(e Entry) error {
					got = append(got, e.Object)
					return nil
				})
				if !errors.Is(err, mail.ErrDamaged) {
					t.Errorf("%v, want ErrDamaged", err)
				}
				if !slices.Contains(got, "e") || (what == "a line" || what == "the end") && len(got) != 4 {
					t.Errorf("entries are %v", got)
				}
			}
		})
	}
}
