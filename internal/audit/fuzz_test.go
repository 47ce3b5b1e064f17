package audit

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

func seedLines(f *testing.F) []byte {
	l := newLab(f, Options{})
	l.record("a", "b")
	l.group("c", "d")
	return []byte(l.read(november))
}

// Whatever a line says, it is refused or comes back the same.
func FuzzDecode(f *testing.F) {
	for _, text := range bytes.SplitAfter(seedLines(f), []byte("\n")) {
		f.Add(text)
	}
	f.Add([]byte("{\"format\":1}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := decode(text)
		if err != nil {
			if !errors.Is(err, mail.ErrDamaged) {
				t.Errorf("%q: %v, want ErrDamaged", text, err)
			}
			return
		}
		e := l.entry(mail.Sum(text))
		if e.Seq == 0 || e.Act == "" || e.Time.IsZero() && l.Time[:4] != "0001" {
			t.Errorf("%q gives %+v", text, e)
		}
	})
}

// Whatever an entry says, it is refused or is one line that reads back.
func FuzzEntry(f *testing.F) {
	f.Add("ann", "search", "query \xff", "reason\n", "a@example.org", "name", int64(3))
	f.Fuzz(func(t *testing.T, actor, act, query, reason, to, name string, hits int64) {
		e := Entry{Actor: actor, Act: Act(act), Query: query, Reason: reason, To: []mail.Address{mail.Address(to)}, Change: &Change{Name: name}, Hits: hits}
		b, err := encodeBody(e)
		if err != nil {
			return
		}
		text, err := join(lead{Format: FormatVersion, Seq: 1, Commit: 1, Time: noon.Format(timeLayout)}, b)
		if err != nil || bytes.Count(text, []byte("\n")) != 1 || len(text) > maxLine {
			t.Fatalf("line of %d bytes, %v: %q", len(text), err, text)
		}
		l, err := decode(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got := l.entry(mail.Sum(text))
		if len(got.Inexact) == 0 && (got.Actor != actor || got.Query != query || got.Reason != reason || string(got.To[0]) != to) {
			t.Errorf("%+v comes back as %+v", e, got)
		}
	})
}

// Whatever is in the files, a start ends well, changes nothing that it does
// not keep, and what is recorded then survives.
func FuzzOpen(f *testing.F) {
	good := seedLines(f)
	f.Add(good, []byte{}, []byte("{}"))
	f.Add(good[:len(good)-9], []byte{}, []byte{})
	f.Add(good, bytes.Repeat([]byte{0}, 600), []byte(`{"format":1,"file":"2026-11.jsonl","length":90,"seq":3,"sha256":"`+strings.Repeat("0a", 32)+`"}`))
	f.Add([]byte("\n\n"), good, []byte("x"))
	f.Fuzz(func(t *testing.T, first, second, head []byte) {
		d := durabletest.New(durabletest.Options{})
		l := &lab{TB: t, disk: d, now: noon}
		l.o = Options{Folder: folder, Clock: l.clock, HeadEvery: time.Hour}
		for _, name := range []string{"/data", folder} {
			if err := d.Mkdir(name, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		l.write(november, string(first))
		l.write("2026-11_002.jsonl", string(second))
		l.write(headFile, string(head))
		l.start()
		before := l.log.Head()
		if before.Seq < 1<<62 {
			l.record("new")
			if got := l.log.Head(); got.Seq != before.Seq+1 {
				t.Errorf("head goes from %v to %v", before, got)
			}
		}
		if err := l.log.Verify(t.Context(), nil, func(Finding) {}); err != nil {
			t.Errorf("Verify: %v", err)
		}
		for _, newest := range []bool{false, true} {
			err := l.log.Walk(t.Context(), Filter{Newest: newest, From: noon}, func(Entry) error { return nil })
			if err != nil && !errors.Is(err, mail.ErrDamaged) {
				t.Errorf("Walk: %v", err)
			}
		}
		kept := 0
		for name, text := range d.Files() {
			if strings.HasSuffix(name, fileSuffix) || strings.Contains(name, "/"+tornFolder+"/") {
				kept += len(text)
			}
		}
		if kept < len(first)+len(second) {
			t.Errorf("%d bytes are left of %d", kept, len(first)+len(second))
		}
	})
}

// The same on whole pages: the head file alone.
func FuzzHeadFile(f *testing.F) {
	f.Add([]byte(`{"format":1,"file":"2026-11.jsonl","length":90,"seq":3,"sha256":"` + strings.Repeat("0a", 32) + `"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decodeMark(text)
		if err != nil && !errors.Is(err, mail.ErrDamaged) {
			t.Errorf("%v, want ErrDamaged", err)
		}
		if err == nil && (m.Length < 0 || m.Format != FormatVersion) {
			t.Errorf("%+v", m)
		}
	})
}
