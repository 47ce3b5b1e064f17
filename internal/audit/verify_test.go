package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// twoMonths gives a record of ten entries, six in November and four in
// December, closed; their lines, and its head.
func twoMonths(t *testing.T) (l *lab, months map[string][]string, head Head) {
	l = newLab(t, Options{})
	for i := range 10 {
		if i == 6 {
			l.setClock(noon.AddDate(0, 1, 0))
		}
		l.record(fmt.Sprint("o", i+1))
	}
	l.log.Close()
	months = map[string][]string{}
	for _, name := range []string{november, "2026-12.jsonl"} {
		months[name] = split(l.read(name))
	}
	return l, months, l.log.Head()
}

// rechained writes the lines' prev anew, as a forger would who knows how.
func rechained(t *testing.T, lines ...[]string) {
	prev := mail.Digest{}
	for _, file := range lines {
		for i, text := range file {
			l, err := decode([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			file[i] = strings.Replace(text, l.Prev.String(), prev.String(), 1)
			prev = mail.Sum([]byte(file[i]))
		}
	}
}

// TestTampering changes the files under a running archive and names what
// Verify then must find, in order, with its place.
func TestTampering(t *testing.T) {
	const december = "2026-12.jsonl"
	for _, c := range []struct {
		what   string
		tamper func(t *testing.T, m map[string][]string)
		want   []string
	}{
		{"nothing", func(*testing.T, map[string][]string) {}, nil},
		{"one letter", func(_ *testing.T, m map[string][]string) {
			m[november][2] = strings.Replace(m[november][2], `"root"`, `"r00t"`, 1)
		}, []string{"edited 2026-11.jsonl:4 3-3"}},
		{"white space only", func(_ *testing.T, m map[string][]string) {
			m[november][2] = strings.Replace(m[november][2], `,`, `, `, 1)
		}, []string{"edited 2026-11.jsonl:4 3-3"}},
		{"the last line of a month", func(_ *testing.T, m map[string][]string) {
			m[november][5] = strings.Replace(m[november][5], `"root"`, `"r00t"`, 1)
		}, []string{"edited 2026-12.jsonl:1 6-6"}},
		{"the last line of all", func(_ *testing.T, m map[string][]string) {
			m[december][3] = strings.Replace(m[december][3], `"root"`, `"r00t"`, 1)
		}, []string{"edited :0 10-10", "edited :0 10-10"}},
		{"no longer a line", func(_ *testing.T, m map[string][]string) { m[november][2] = m[november][2][5:] },
			[]string{"unreadable 2026-11.jsonl:3 3-3"}},
		{"two that are none", func(_ *testing.T, m map[string][]string) { m[november][2], m[november][3] = "x\n", "\x00\n" },
			[]string{"unreadable 2026-11.jsonl:3 3-4"}},
		{"a line put in", func(_ *testing.T, m map[string][]string) { m[november][2] = "{}\n" + m[november][2] },
			[]string{"unreadable 2026-11.jsonl:3 0-0"}},
		{"one removed", func(_ *testing.T, m map[string][]string) { m[november] = slices.Delete(m[november], 2, 3) },
			[]string{"removed 2026-11.jsonl:3 3-3"}},
		{"some removed", func(_ *testing.T, m map[string][]string) { m[november] = slices.Delete(m[november], 1, 4) },
			[]string{"removed 2026-11.jsonl:2 2-4"}},
		{"the first removed", func(_ *testing.T, m map[string][]string) { m[november] = m[november][1:] },
			[]string{"removed 2026-11.jsonl:1 1-1"}},
		{"removed at a month's end", func(_ *testing.T, m map[string][]string) { m[november] = m[november][:4] },
			[]string{"removed 2026-12.jsonl:1 5-6"}},
		{"a month removed", func(_ *testing.T, m map[string][]string) { delete(m, november) },
			[]string{"removed 2026-11.jsonl:0 0-0", "removed 2026-12.jsonl:1 1-6"}},
		{"removed and numbered anew", func(_ *testing.T, m map[string][]string) {
			m[november] = slices.Delete(m[november], 2, 3)
			for i := 2; i < 5; i++ {
				m[november][i] = strings.Replace(m[november][i], fmt.Sprintf(`"seq":%d,`, i+2), fmt.Sprintf(`"seq":%d,`, i+1), 1)
				m[november][i] = strings.Replace(m[november][i], fmt.Sprintf(`"commit":%d,`, i+2), fmt.Sprintf(`"commit":%d,`, i+1), 1)
			}
		}, []string{"edited 2026-11.jsonl:3 2-2", "edited 2026-11.jsonl:4 3-3", "edited 2026-11.jsonl:5 4-4", "removed 2026-12.jsonl:1 6-6"}},
		{"two swapped", func(_ *testing.T, m map[string][]string) {
			m[november][1], m[november][2] = m[november][2], m[november][1]
		}, []string{"reordered 2026-11.jsonl:3 2-2"}},
		{"a run moved", func(_ *testing.T, m map[string][]string) {
			n := m[november]
			m[november] = slices.Concat(n[:1], n[3:5], n[1:3], n[5:])
		}, []string{"reordered 2026-11.jsonl:4 2-3"}},
		{"a line twice", func(_ *testing.T, m map[string][]string) { m[november] = slices.Insert(m[november], 4, m[november][1]) },
			[]string{"reordered 2026-11.jsonl:5 2-2"}},
		{"months swapped", func(_ *testing.T, m map[string][]string) { m[november], m[december] = m[december], m[november] },
			[]string{"reordered 2026-12.jsonl:1 1-4", "unreadable 2026-12.jsonl:5 0-0", "removed 2026-11.jsonl:1 5-6"}},
		{"the end cut off", func(_ *testing.T, m map[string][]string) { m[december] = m[december][:2] },
			[]string{"cut :0 9-10"}},
		{"the end cut off within a line", func(_ *testing.T, m map[string][]string) { m[december][3] = m[december][3][:50] },
			[]string{"unreadable 2026-12.jsonl:4 0-0", "cut :0 10-10"}},
		{"the last month removed", func(_ *testing.T, m map[string][]string) { delete(m, december) },
			[]string{"removed 2026-12.jsonl:0 0-0", "cut :0 7-10"}},
		{"something behind a month's end", func(_ *testing.T, m map[string][]string) { m[november] = append(m[november], "more\n") },
			[]string{"surplus 2026-11.jsonl:0 0-0"}},
		{"all chained anew", func(t *testing.T, m map[string][]string) {
			m[november][2] = strings.Replace(m[november][2], `"root"`, `"r00t"`, 1)
			rechained(t, m[november], m[december])
		}, []string{"edited :0 10-10", "edited :0 10-10"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			l, months, _ := twoMonths(t)
			l.start()
			was := [2]string{l.read(november), l.read(december)}
			c.tamper(t, months)
			for i, name := range []string{november, december} {
				if lines, ok := months[name]; !ok {
					l.remove(name)
				} else if text := strings.Join(lines, ""); text != was[i] {
					l.write(name, text)
				}
			}
			var got []string
			for _, f := range findings(t, l.log) {
				got = append(got, fmt.Sprintf("%s %s:%d %d-%d", f.Kind, f.File, f.Line, f.First, f.Last))
				if f.What == "" || !strings.HasPrefix(f.String(), string(f.Kind)+": ") {
					t.Errorf("for a person: %q", f)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want (-), got (+):\n%s%v", diff, findings(t, l.log))
			}
		})
	}
}

// Whoever writes everything anew, the head file too, while the archive is
// down, is found only by a head that was kept elsewhere.
func TestPinnedHead(t *testing.T) {
	l, months, head := twoMonths(t)
	l.start().wantWhole()
	if got := findings(t, l.log, head); len(got) > 0 {
		t.Fatalf("a true head is denied: %v", got)
	}
	l.log.Close()
	names := []string{november, "2026-12.jsonl"}
	months[november][2] = strings.Replace(months[november][2], `"root"`, `"r00t"`, 1)
	rechained(t, months[november], months[names[1]])
	last := ""
	for _, name := range names {
		l.write(name, strings.Join(months[name], ""))
		last = months[name][len(months[name])-1]
	}
	l.write(headFile, strings.Replace(l.read(headFile), head.SHA256.String(), mail.Sum([]byte(last)).String(), 1))
	l.start().wantWhole()
	l.wantKinds(findings(t, l.log, head), Edited)

	l.log.Close()
	m := *must(l.log.readMark())
	first := months[november][0]
	m.File, m.Length, m.Head = november, int64(len(first)), Head{1, mail.Sum([]byte(first))}
	l.write(november, first)
	l.remove(names[1])
	if err := l.log.writeMark(m); err != nil {
		t.Fatal(err)
	}
	l.start().wantWhole()
	got := findings(t, l.log, head)
	l.wantKinds(got, Cut)
	if got[0].First != 2 || got[0].Last != head.Seq {
		t.Errorf("found %s, want entries 2 to %d", got[0], head.Seq)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestVerifyWithoutHeadFile(t *testing.T) {
	l := newLab(t, Options{HeadEvery: -1})
	l.record("a")
	l.write(headFile, "x")
	l.wantKinds(findings(t, l.log), HeadLost)
	l.remove(headFile)
	l.wantKinds(findings(t, l.log), HeadLost)
}

func TestVerifySaysHowFar(t *testing.T) {
	l := newLab(t, Options{})
	for range 5 {
		var objects []string
		for range 500 {
			objects = append(objects, strings.Repeat("x", maxText))
		}
		l.group(objects...)
	}
	var last, total int64
	steps := 0
	err := l.log.Verify(t.Context(), func(d, all int64) {
		if d < last {
			t.Errorf("done goes from %d to %d", last, d)
		}
		last, total, steps = d, all, steps+1
	}, func(f Finding) { t.Errorf("found %s", f) })
	if want := int64(len(l.read(november))); err != nil || last != want || total != want || steps < 4 {
		t.Errorf("%v after %d steps: %d of %d, want %d", err, steps, last, total, want)
	}
}

func TestVerifyEnds(t *testing.T) {
	l := newLab(t, Options{})
	l.record("a", "b")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.log.Verify(ctx, nil, func(Finding) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want Canceled", err)
	}
	l.disk.Before(func(op durabletest.Op) (f durabletest.Fault) {
		if op.Kind == durabletest.Read {
			f.Err = errKilled
		}
		return f
	})
	if err := l.log.Verify(t.Context(), nil, func(Finding) {}); !errors.Is(err, errKilled) || !errors.Is(err, mail.ErrRetry) {
		t.Errorf("a disk that does not read: %v", err)
	}
	if err := l.log.Walk(t.Context(), Filter{}, func(Entry) error { return nil }); !errors.Is(err, errKilled) {
		t.Errorf("Walk: %v", err)
	}
	l.disk.Before(nil)
	l.wantWhole()
}
