package seal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// seeds are small archive files: whole, cut, changed, encrypted.
func seeds(t testing.TB) [][]byte {
	t.Helper()
	l := newLab(t)
	l.put(text(1, 300), []byte("\x00"), text(1, 300))
	_, files := l.made(Maker{Level: 1}, 0)
	whole := read(t, files[0].Path)
	changed := bytes.Clone(whole)
	changed[len(changed)/2] ^= 1
	_, files = l.made(Maker{Lock: &Lock{Password: password}}, 0)
	return [][]byte{whole, whole[:len(whole)-30], changed, append(bytes.Clone(whole), whole...), read(t, files[0].Path), nil, []byte(memberMagic)}
}

// FuzzFile: any bytes are judged without a panic, and what is saved from them
// has the digest of its record.
func FuzzFile(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		disk := durabletest.New(durabletest.Options{})
		file, err := disk.OpenFile("f", os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write(b); err != nil {
			t.Fatal(err)
		}
		n := 0
		r, err := Salvage(ctx, disk, "f", Secret{Passwords: [][]byte{password}}, func(Finding) { n++ }, func(m Message) error {
			if m.Content == nil {
				return nil
			}
			content, err := io.ReadAll(m.Content)
			if err != nil || mail.Sum(content) != m.Arrival.Digest {
				t.Errorf("%s is not what its record says: %v", m.Arrival.ID, err)
			}
			return nil
		})
		if err != nil && !errors.Is(err, ErrNoSecret) {
			t.Fatal(err)
		}
		if r.Findings != n {
			t.Errorf("%d findings, %d reported", r.Findings, n)
		}
	})
}

// FuzzDecrypt: any bytes, with the session key of a good file, end in an error
// of a known kind or are what was encrypted.
func FuzzDecrypt(f *testing.F) {
	want := text(1, 3000)
	var b bytes.Buffer
	o, err := (&Lock{Password: password}).open(&b, nil, day, "x.tgz")
	if err != nil {
		f.Fatal(err)
	}
	_, _ = o.plain.Write(want)
	if err := o.plain.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:100])
	f.Add([]byte("\x8c\x0d\x04\x09\x03\x08"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := Decrypt(bytes.NewReader(in), Secret{session: o.session})
		var out []byte
		if err == nil {
			out, err = io.ReadAll(r)
		}
		switch {
		case err != nil && !errors.Is(err, mail.ErrDamaged) && !errors.Is(err, ErrNoSecret):
			t.Fatalf("an error of another kind: %v", err)
		case err == nil && !bytes.Equal(out, want):
			t.Fatalf("%d other bytes with a good code", len(out))
		}
	})
}

// FuzzLine: what is taken for a line of the manifest says the same when it is
// written and read again.
func FuzzLine(f *testing.F) {
	l, err := Line{Seq: 1, ID: mail.ID{1}, About: about(mail.Arrival{ID: mail.ID{1}, Received: day})}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(l)
	f.Add([]byte(`{"seq":1,"id":"01KAV6HM00000000000000000A","size":0}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		line, err := decodeLine(b)
		if err != nil {
			if !errors.Is(err, mail.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		written, err := line.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeLine(written)
		if diff := cmp.Diff(line, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("%s: %v %s", written, err, diff)
		}
	})
}

func FuzzChain(f *testing.F) {
	b, err := (&Chain{Format: 1, Month: "Oct-2026"}).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeChain(b)
		if err != nil {
			return
		}
		written, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := decodeChain(written); err != nil || again != c {
			t.Fatalf("%s: %v", written, err)
		}
	})
}

func FuzzTarHeader(f *testing.F) {
	f.Add(tarHeader("messages/x", 77, day)[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseTarHeader(b)
		if err != nil {
			return
		}
		if e.size < 0 || e.size > maxEntry {
			t.Fatalf("size %d", e.size)
		}
		if id, suffix := e.message(); suffix != "" && messageFolder+id.String()+suffix != e.name {
			t.Fatalf("%q is taken for %s%s", e.name, id, suffix)
		}
	})
}

// FuzzMember: a header that is taken for one of ours is, byte for byte.
func FuzzMember(f *testing.F) {
	e, err := newEncoder(1)
	if err != nil {
		f.Fatal(err)
	}
	for _, outer := range [][]byte{nil, make([]byte, 32)} {
		b, err := e.encode(nil, text(1, 1000), memberField{number: 3, mark: mark{1}}, outer)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, d := newMembers(bytes.NewReader(b)), newDecoder()
		var at int64
		for {
			var m expanded
			if err := s.next(&m.member); err != nil {
				break
			}
			if m.offset != at || m.length <= 0 {
				t.Fatalf("member at %d of %d bytes, want it at %d", m.offset, m.length, at)
			}
			at += m.length
			if m.expand(d); len(m.raw) > MemberSize {
				t.Fatalf("%d bytes", len(m.raw))
			}
		}
		if at != int64(len(b)) {
			t.Fatalf("%d bytes of %d", at, len(b))
		}
	})
}

func FuzzIndex(f *testing.F) {
	p := &positions{length: 9, list: []position{{id: mail.ID{1}, seq: 1, recordLen: 4, isMessage: true}, {id: mail.ID{2}}}}
	var b bytes.Buffer
	b.Write(p.head())
	for _, q := range p.list {
		b.Write(q.encode())
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := readIndex(bytes.NewReader(b), int64(len(b)), 9)
		if err != nil {
			return
		}
		for i := range x.count {
			q, err := x.at(i)
			if err == nil && !bytes.Equal(q.encode(), b[indexHead+i*indexEntry:][:indexEntry]) {
				t.Fatalf("entry %d does not come back", i)
			}
		}
		_, _ = x.find(mail.ID{1})
	})
}

func FuzzLines(f *testing.F) {
	f.Add("a\nb\n\nc", 2)
	f.Fuzz(func(t *testing.T, s string, step int) {
		var got []string
		l := lines{each: func(b []byte, cut bool) { got = append(got, string(b)+map[bool]string{true: "!"}[cut]) }}
		for rest := s; rest != ""; {
			n := min(len(rest), max(1, step))
			l.feed([]byte(rest[:n]))
			rest = rest[n:]
		}
		l.finish()
		want := strings.Split(s, "\n")
		if last := len(want) - 1; want[last] == "" {
			want = want[:last]
		} else {
			want[last] += "!"
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("%q is cut into %q", s, got)
		}
	})
}
