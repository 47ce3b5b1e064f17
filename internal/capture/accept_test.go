package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

// fakeVault keeps contents in memory and counts what is still staged.
type fakeVault struct {
	mu       sync.Mutex
	staged   int
	contents []string
	writeErr error
	short    bool
	err      error // of Append
}

type fakeStaged struct {
	bytes.Buffer
	vault *fakeVault
}

func (v *fakeVault) Stage() Staged {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.staged++
	return &fakeStaged{vault: v}
}

func (s *fakeStaged) Size() int64 { return int64(s.Len()) }

func (s *fakeStaged) Discard() {
	s.vault.mu.Lock()
	defer s.vault.mu.Unlock()
	s.vault.staged--
}

func (s *fakeStaged) Write(p []byte) (int, error) {
	if s.vault.writeErr != nil {
		return 0, s.vault.writeErr
	}
	if s.vault.short {
		return len(p) - 1, nil
	}
	return s.Buffer.Write(p)
}

func (v *fakeVault) Append(_ context.Context, env mail.Envelope, content Staged) (mail.Arrival, error) {
	content.Discard()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err != nil {
		return mail.Arrival{Seq: 99}, v.err
	}
	v.contents = append(v.contents, content.(*fakeStaged).String())
	return mail.Arrival{Seq: uint64(len(v.contents)), Size: content.Size(), Envelope: env}, nil
}

// onlyReader hides WriteTo.
type onlyReader struct{ io.Reader }

func TestAcceptKeepsExactBytes(t *testing.T) {
	large := strings.Repeat("0123456789\r\n", 20_000)
	for _, want := range []string{"", "\x00", "a\nb\rc\r\n.\r\n\xff", large} {
		for name, r := range map[string]io.Reader{
			"WriterTo":    strings.NewReader(want),
			"Reader":      onlyReader{strings.NewReader(want)},
			"byte a time": onlyReader{iotest.OneByteReader(strings.NewReader(want))},
			"data at end": onlyReader{iotest.DataErrReader(strings.NewReader(want))},
		} {
			v := &fakeVault{}
			a := &Acceptor{Vault: v, MaxSize: int64(len(large))}
			env := mail.Envelope{Source: "smtp", From: "a@b", To: []mail.Recipient{{Address: "c@d"}}}
			arrival, err := a.Accept(context.Background(), env, r)
			if err != nil || arrival.Seq != 1 || arrival.Size != int64(len(want)) || !cmp.Equal(arrival.Envelope, env) {
				t.Errorf("%s of %d bytes: got %+v, %v", name, len(want), arrival, err)
			}
			if len(v.contents) != 1 || v.contents[0] != want || v.staged != 0 {
				t.Errorf("%s of %d bytes: vault has %d contents, %d staged", name, len(want), len(v.contents), v.staged)
			}
		}
	}
}

// TestAcceptFails: no way of failing gives a yes, an arrival, or leaves bytes
// staged, and the kind of the error comes through.
func TestAcceptFails(t *testing.T) {
	broken := errors.New("connection reset")
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tt := range []struct {
		name  string
		vault *fakeVault
		ctx   context.Context
		r     io.Reader
		want  error
		text  string
	}{
		{"reader", &fakeVault{}, context.Background(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), broken, "accept: read: connection reset"},
		{"reader that writes", &fakeVault{}, context.Background(), failingWriterTo{broken}, broken, "accept: read: connection reset"},
		{"too large", &fakeVault{}, context.Background(), strings.NewReader("12345678901"), mail.ErrTooLarge, "accept: stage: too large"},
		{"too large, piece by piece", &fakeVault{}, context.Background(), onlyReader{iotest.OneByteReader(strings.NewReader("12345678901"))}, mail.ErrTooLarge, "accept: stage: too large"},
		{"full while staging", &fakeVault{writeErr: mail.ErrFull}, context.Background(), strings.NewReader("x"), mail.ErrFull, "accept: stage: not enough free space"},
		{"short write", &fakeVault{short: true}, context.Background(), strings.NewReader("x"), io.ErrShortWrite, "accept: stage: short write"},
		{"append", &fakeVault{err: mail.ErrFull}, context.Background(), strings.NewReader("x"), mail.ErrFull, "accept: append: not enough free space"},
		{"stopped", &fakeVault{}, cancelled, strings.NewReader("x"), context.Canceled, "accept: context canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var observed error
			a := &Acceptor{Vault: tt.vault, MaxSize: 10,
				Observe: func(_ *mail.Envelope, _ int64, _ time.Duration, err error) { observed = err }}
			arrival, err := a.Accept(tt.ctx, mail.Envelope{}, tt.r)
			if !errors.Is(err, tt.want) || err.Error() != tt.text {
				t.Errorf("got %v, want %q", err, tt.text)
			}
			if arrival.Seq != 0 || len(tt.vault.contents) != 0 || tt.vault.staged != 0 {
				t.Errorf("arrival %+v, %d contents, %d staged, want none", arrival, len(tt.vault.contents), tt.vault.staged)
			}
			if observed != err || a.Counts() != (Counts{Failed: 1}) {
				t.Errorf("observed %v, counted %+v", observed, a.Counts())
			}
		})
	}
}

type failingWriterTo struct{ err error }

func (f failingWriterTo) Read([]byte) (int, error) { panic("WriteTo is there") }
func (f failingWriterTo) WriteTo(w io.Writer) (int64, error) {
	n, _ := io.WriteString(w, "half")
	return int64(n), f.err
}

func TestAcceptObserves(t *testing.T) {
	clock := time.Unix(1000, 0)
	var size int64
	var took time.Duration
	a := &Acceptor{
		Vault:   &fakeVault{},
		Now:     func() time.Time { clock = clock.Add(time.Second); return clock },
		Observe: func(_ *mail.Envelope, n int64, d time.Duration, _ error) { size, took = n, d },
	}
	a.Accept(context.Background(), mail.Envelope{}, strings.NewReader("12345"))
	a.Accept(context.Background(), mail.Envelope{}, strings.NewReader("123"))
	if size != 3 || took != time.Second {
		t.Errorf("observed %d bytes in %v, want 3 in 1s", size, took)
	}
	if got, want := a.Counts(), (Counts{Accepted: 2, Bytes: 8}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func BenchmarkAccept10k(b *testing.B) {
	content := bytes.Repeat([]byte("x"), 10<<10)
	a := &Acceptor{Vault: discarding{}, MaxSize: 1 << 20}
	b.ReportAllocs()
	for b.Loop() {
		a.Accept(context.Background(), mail.Envelope{}, bytes.NewReader(content))
	}
}

type discarding struct{ n int64 }

func (discarding) Stage() Staged                  { return &discarding{} }
func (d *discarding) Write(p []byte) (int, error) { d.n += int64(len(p)); return len(p), nil }
func (d *discarding) Size() int64                 { return d.n }
func (d *discarding) Discard()                    {}
func (discarding) Append(context.Context, mail.Envelope, Staged) (mail.Arrival, error) {
	return mail.Arrival{}, nil
}
