package retrieve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/mail"
)

// shelf is a vault in memory. What is read back may differ from read to read.
type shelf struct {
	arrivals map[mail.ID]mail.Arrival
	contents map[mail.ID][]func() (io.Reader, error) // the last one stays
	opened   int
}

func (s *shelf) Get(_ context.Context, id mail.ID) (mail.Arrival, error) {
	a, ok := s.arrivals[id]
	if !ok {
		return a, mail.ErrNotFound
	}
	return a, nil
}

func (s *shelf) Open(_ context.Context, id mail.ID) (mail.Arrival, io.ReadCloser, error) {
	reads := s.contents[id]
	if len(reads) == 0 {
		return mail.Arrival{}, nil, mail.ErrNotFound
	}
	s.opened++
	if len(reads) > 1 {
		s.contents[id] = reads[1:]
	}
	r, err := reads[0]()
	if err != nil {
		return mail.Arrival{}, nil, err
	}
	return s.arrivals[id], io.NopCloser(r), nil
}

// gives reads content; cut off, with an error, or in small pieces.
func gives(b []byte) func() (io.Reader, error) {
	return func() (io.Reader, error) { return iotest.HalfReader(bytes.NewReader(b)), nil }
}

func breaks(b []byte, err error) func() (io.Reader, error) {
	return func() (io.Reader, error) { return io.MultiReader(bytes.NewReader(b), iotest.ErrReader(err)), nil }
}

// ledger notes readings, and refuses when told to.
type ledger struct {
	readings []Reading
	err      error
}

func (l *ledger) Record(_ context.Context, r Reading) error {
	l.readings = append(l.readings, r)
	return l.err
}

type fixture struct {
	*Door
	shelf  *shelf
	ledger *ledger
	cat    *catalogtest.Memory
	seq    uint64
}

func newFixture() *fixture {
	f := &fixture{
		shelf:  &shelf{map[mail.ID]mail.Arrival{}, map[mail.ID][]func() (io.Reader, error){}, 0},
		ledger: &ledger{}, cat: &catalogtest.Memory{},
	}
	f.Door = &Door{Catalog: f.cat, Vault: f.shelf, Audit: f.ledger}
	return f
}

// put makes an arrival of content that is read back as reads say.
func (f *fixture) put(content []byte, reads ...func() (io.Reader, error)) catalog.Document {
	f.seq++
	d := catalogtest.Document(f.seq, func(d *catalog.Document) {
		d.Arrival.Digest, d.Arrival.Size = mail.Sum(content), int64(len(content))
		d.Arrival.Envelope.To = []mail.Recipient{{Address: "bob@example.org"}}
		d.MessageID = fmt.Sprintf("m%d@example.org", f.seq)
	})
	if len(reads) == 0 {
		reads = append(reads, gives(content))
	}
	f.shelf.arrivals[d.Arrival.ID], f.shelf.contents[d.Arrival.ID] = d.Arrival, reads
	return d
}

func (f *fixture) index(t *testing.T, documents ...catalog.Document) {
	t.Helper()
	if err := f.cat.Apply(t.Context(), documents, 0); err != nil {
		t.Fatal(err)
	}
}

var anna = access.Everything("anna")

func TestOpenGivesWhatCameIn(t *testing.T) {
	for _, size := range []int{0, 1, 1000, smallContent - 1, smallContent, smallContent + 1, 3*smallContent + 7} {
		f := newFixture()
		content := bytes.Repeat([]byte("\x00a\r\n"), size/4+1)[:size]
		d := f.put(content)
		f.index(t, d)
		for _, ref := range []string{d.Arrival.ID.String(), strings.ToLower(d.Arrival.ID.String()), d.MessageID} {
			m, r, err := f.Open(t.Context(), anna, ref, ToRead)
			if err != nil {
				t.Fatalf("Open %q of %d bytes: %v", ref, size, err)
			}
			got, err := io.ReadAll(r)
			if !bytes.Equal(got, content) || err != nil || m.ID != d.Arrival.ID || len(m.History) != 1 {
				t.Errorf("%d bytes: got %d of message %s with %d arrivals, %v", size, len(got), m.ID, len(m.History), err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestNoWrongByteGoesOut(t *testing.T) {
	small, large := []byte("small content"), bytes.Repeat([]byte("large content\n"), 200_000)
	flipped := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	diskError := errors.New("input/output error")
	for _, c := range []struct {
		name    string
		content []byte
		read    func() (io.Reader, error)
		want    error
	}{
		{"small, first bit", small, gives(flipped(small, 0)), mail.ErrDamaged},
		{"small, cut", small, gives(small[:5]), mail.ErrDamaged},
		{"small, longer", small, gives(append(bytes.Clone(small), 'x')), mail.ErrDamaged},
		{"small, empty", small, gives(nil), mail.ErrDamaged},
		{"small, damaged on the way", small, breaks(small[:5], mail.ErrDamaged), mail.ErrDamaged},
		{"small, disk error", small, breaks(small[:5], diskError), diskError},
		{"large, last bit", large, gives(flipped(large, len(large)-1)), mail.ErrDamaged},
		{"large, cut", large, gives(large[:2<<20]), mail.ErrDamaged},
		{"large, longer", large, gives(append(bytes.Clone(large), 'x')), mail.ErrDamaged},
		{"large, disk error", large, breaks(large[:2<<20], diskError), diskError},
	} {
		f := newFixture()
		d := f.put(c.content, c.read)
		f.index(t, d)
		_, r, err := f.Open(t.Context(), anna, d.Arrival.ID.String(), ToRead)
		if !errors.Is(err, c.want) || r != nil || !strings.Contains(fmt.Sprint(err), d.Arrival.ID.String()) {
			t.Errorf("%s: Open gives a reader: %v, error %v; want %v naming the ID", c.name, r != nil, err, c.want)
		}
	}
}

// The disk fails between the check and the reading.
func TestLargeContentIsCheckedAgain(t *testing.T) {
	f := newFixture()
	large := bytes.Repeat([]byte("large content\n"), 200_000)
	bad := bytes.Clone(large)
	bad[100] ^= 1
	d := f.put(large, gives(large), gives(bad))
	f.index(t, d)
	_, r, err := f.Open(t.Context(), anna, d.Arrival.ID.String(), ToRead)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, mail.ErrDamaged) {
		t.Errorf("reading what changed after the check: %v, want ErrDamaged", err)
	}
}

func TestAnotherCopyHelps(t *testing.T) {
	f := newFixture()
	content := []byte("content")
	first, second := f.put(content, gives([]byte("xxxxxxx"))), f.put(content)
	f.index(t, first, second)
	m, r, err := f.Open(t.Context(), anna, first.Arrival.ID.String(), ToRead)
	if err != nil {
		t.Fatalf("Open with a good second copy: %v", err)
	}
	if got, _ := io.ReadAll(r); string(got) != "content" || m.ID != first.Arrival.ID {
		t.Errorf("got %q of %s", got, m.ID)
	}
}

func TestScope(t *testing.T) {
	f := newFixture()
	indexed, waiting := f.put([]byte("a")), f.put([]byte("b"))
	f.index(t, indexed)
	for _, ref := range []string{
		indexed.Arrival.ID.String(), indexed.Arrival.ID.String()[:12], indexed.MessageID,
		waiting.Arrival.ID.String(), "nothing",
	} {
		_, r, err := f.Open(t.Context(), access.Scope{}, ref, ToRead)
		if !errors.Is(err, mail.ErrNotFound) || r != nil {
			t.Errorf("Open %q within the zero scope: %v, want ErrNotFound", ref, err)
		}
	}
	if f.shelf.opened != 0 || len(f.ledger.readings) != 0 {
		t.Errorf("%d contents were opened, %d readings recorded for nobody", f.shelf.opened, len(f.ledger.readings))
	}
}

func TestNotYetIndexed(t *testing.T) {
	f := newFixture()
	d := f.put([]byte("fresh"))
	m, r, err := f.Open(t.Context(), anna, d.Arrival.ID.String(), ToRead)
	if err != nil {
		t.Fatalf("Open before it is indexed: %v", err)
	}
	got, _ := io.ReadAll(r)
	if string(got) != "fresh" || m.Digest != d.Arrival.Digest || m.DeliveredTo[0] != "bob@example.org" || len(m.History) != 1 {
		t.Errorf("got %q, %+v", got, m)
	}
	if _, _, err := f.Open(t.Context(), anna, d.Arrival.ID.String()[:20], ToRead); !errors.Is(err, mail.ErrNotFound) {
		t.Errorf("by the beginning of its ID: %v, want ErrNotFound", err)
	}
}

func TestAuditComesFirst(t *testing.T) {
	f := newFixture()
	d := f.put([]byte("x"))
	f.index(t, d)
	f.ledger.err = errors.New("disk full")
	if _, r, err := f.Open(t.Context(), anna, d.Arrival.ID.String(), ToRead); !errors.Is(err, f.ledger.err) || r != nil {
		t.Errorf("Open without a record: %v, want the audit's error", err)
	}
	if f.shelf.opened != 0 {
		t.Error("content was opened without a record")
	}
	want := []Reading{{"anna", ToRead, d.Arrival.ID}}
	if diff := cmp.Diff(want, f.ledger.readings); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
	if text, err := f.Text(t.Context(), anna, rowOf(d)); err != nil {
		t.Errorf("Text = %q, %v: a snippet is recorded with its search", text, err)
	}
}

func TestLogAudit(t *testing.T) {
	var b bytes.Buffer
	audit := LogAudit{slog.New(slog.NewTextHandler(&b, nil))}
	if err := audit.Record(t.Context(), Reading{"anna", ToShow, mail.ID{1}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"actor=anna", "purpose=show", mail.ID{1}.String()} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("log line %q lacks %q", b.String(), want)
		}
	}
}
