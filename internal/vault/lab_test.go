package vault

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// lab is a vault on a disk in memory, with all that it said yes for.
type lab struct {
	testing.TB
	disk *durabletest.Disk
	o    Options
	v    *Vault
	told []told
	// wrap may put something between the vault and the disk.
	wrap func(durable.FS) durable.FS
	// atClock is called when the writer asks for the time.
	atClock func()
}

type told struct {
	mail.Arrival
	content []byte
}

// newLab opens a vault, whose clock stands still if it has none.
func newLab(t testing.TB, o Options) *lab {
	t.Helper()
	l := &lab{TB: t, disk: durabletest.New(durabletest.Options{}), o: o}
	l.o.Folder = "/v"
	if o.Clock == nil {
		o.Clock = func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
	}
	l.o.Clock = func() time.Time {
		if l.atClock != nil {
			l.atClock()
		}
		return o.Clock()
	}
	l.start()
	return l
}

func (l *lab) start() *Vault {
	l.Helper()
	l.o.FS = l.disk
	if l.wrap != nil {
		l.o.FS = l.wrap(l.disk)
	}
	v, err := Open(l.o)
	if err != nil {
		l.Fatalf("Open: %v", err)
	}
	l.v = v
	l.Cleanup(func() { v.Close() })
	return v
}

// restart ends the process and begins another; the disk keeps what it shows.
func (l *lab) restart() *Vault {
	l.Helper()
	l.v.Close()
	return l.start()
}

// crash takes the power away and begins again on what the disk then has.
func (l *lab) crash(choose func(int) int) *Vault {
	l.Helper()
	l.disk = l.disk.Crash(choose)
	l.v.Close()
	return l.start()
}

func (l *lab) put(content []byte) mail.Arrival {
	l.Helper()
	a := put(l, l.v, content)
	l.told = append(l.told, told{a, content})
	return a
}

// repeated returns bytes that take little on disk, however many they are.
func repeated(seed uint64, size int) []byte {
	return bytes.Repeat(noise(seed, 3000), size/3000+1)[:size]
}

// message is what goes into a vault.
type message struct {
	envelope mail.Envelope
	content  []byte
}

// group stores contents in one commit.
func (l *lab) group(contents ...[]byte) []mail.Arrival {
	l.Helper()
	var messages []message
	for _, content := range contents {
		messages = append(messages, message{mail.Envelope{Source: "smtp"}, content})
	}
	return l.groupOf(messages)
}

// groupOf stores messages in one commit: the writer is held up with a request
// that comes to nothing until all the others wait.
func (l *lab) groupOf(messages []message) []mail.Arrival {
	l.Helper()
	entered, release := make(chan bool), make(chan bool)
	l.atClock = func() { l.atClock = nil; entered <- true; <-release }
	refused := make(chan error)
	go func() {
		_, err := tryPutFor(l.v, nil, mail.Envelope{From: mail.Address(strings.Repeat("x", maxRecord))})
		refused <- err
	}()
	<-entered
	var batch []*request
	for _, m := range messages {
		s := l.v.Stage()
		defer s.Discard()
		if _, err := s.Write(m.content); err != nil {
			l.Fatal(err)
		}
		r := &request{kind: KindArrival, content: s, done: make(chan error, 1), envelope: m.envelope}
		if id, holder := l.v.sameContent(s); holder != nil {
			defer l.v.unpin(holder)
			r.bytesIn = &id
		} else if err := s.pack(); err != nil {
			l.Fatal(err)
		}
		if err := l.v.enqueue(r); err != nil {
			l.Fatal(err)
		}
		batch = append(batch, r)
	}
	release <- true
	if err := <-refused; !errors.Is(err, mail.ErrTooLarge) {
		l.Errorf("an envelope of %d bytes: %v", maxRecord, err)
	}
	var arrivals []mail.Arrival
	for i, r := range batch {
		if err := <-r.done; err != nil {
			l.Fatalf("append: %v", err)
		}
		arrivals = append(arrivals, r.arrival())
		l.told = append(l.told, told{r.arrival(), messages[i].content})
	}
	return arrivals
}

// lost returns the seqs of messages that do not come out as they went in. One
// that comes out with other bytes and no error ends the test.
func (l *lab) lost() (seqs []uint64) {
	l.Helper()
	for _, m := range l.told {
		a, r, err := l.v.Open(ctx, m.ID)
		if err == nil {
			var got []byte
			if got, err = io.ReadAll(r); err == nil && (!bytes.Equal(got, m.content) || a.Seq != m.Seq) {
				l.Fatalf("message %d came out as number %d with %d bytes instead of %d, and no error", m.Seq, a.Seq, len(got), len(m.content))
			}
			r.Close()
		}
		if err != nil {
			seqs = append(seqs, m.Seq)
		}
	}
	return seqs
}

// whole checks that everything is there, that the chain has no record twice or
// missing and that verify has nothing to say.
func (l *lab) whole() {
	l.Helper()
	if lost := l.lost(); len(lost) > 0 {
		l.Errorf("messages %v cannot be read", lost)
	}
	clean(l, l.v)
	l.counted()
}

// counted checks that a walk gives each number once.
func (l *lab) counted() {
	l.Helper()
	next := uint64(1)
	err := l.v.Walk(ctx, 0, func(i Item) error {
		if i.Arrival.Seq != next {
			l.Errorf("walk gave number %d where %d comes", i.Arrival.Seq, next)
		}
		next = i.Arrival.Seq + 1
		return nil
	})
	if err != nil || next != l.v.Last()+1 {
		l.Errorf("walk ended before %d of %d: %v", next, l.v.Last(), err)
	}
}

// name returns the path of a file of the vault.
func (l *lab) name(number int, suffix string) string { return l.v.path(number, suffix) }

func (l *lab) read(name string) []byte {
	l.Helper()
	b, err := l.disk.ReadFile(name)
	if err != nil {
		l.Fatal(err)
	}
	return b
}

// write replaces a file; its bytes are on disk.
func (l *lab) write(name string, b []byte) {
	l.Helper()
	f, err := l.disk.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		l.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		l.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		l.Fatal(err)
	}
	f.Close()
	if err := l.disk.SyncDir("/v"); err != nil {
		l.Fatal(err)
	}
}

// edit changes the bytes of a segment.
func (l *lab) edit(number int, change func(b []byte) []byte) {
	l.Helper()
	name := l.name(number, segmentSuffix)
	l.write(name, change(l.read(name)))
}

// flip flips a bit of a segment.
func (l *lab) flip(number int, off int64) {
	l.Helper()
	l.edit(number, func(b []byte) []byte { b[off] ^= 4; return b })
}

// zero empties the sector of a segment that off lies in.
func (l *lab) zero(number int, off int64) {
	l.Helper()
	off -= off % sector
	l.edit(number, func(b []byte) []byte { clear(b[off : off+sector]); return b })
}

// spans returns the commits of a segment.
func (l *lab) spans(number int) (all []span) {
	l.Helper()
	b := l.read(l.name(number, segmentSuffix))
	w := &window{r: bytes.NewReader(b), limit: int64(len(b))}
	for off := int64(0); off < w.limit; {
		s, err := nextSpan(w, off, l.v.homeOf(number))
		if err != nil {
			l.Fatal(err)
		}
		all = append(all, s)
		off = s.end
	}
	return all
}

// markAt returns where the mark of a span begins.
func (s span) markAt() int64 { return s.mark.offset + s.mark.body() }

// files lists the names in the vault's folder, torn/ and spool/ included, that
// have the suffix.
func (l *lab) files(suffix string) (names []string) {
	for name := range l.disk.Files() {
		if strings.HasSuffix(name, suffix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// nothingTorn checks that the last start moved nothing aside.
func (l *lab) nothingTorn() {
	l.Helper()
	if torn := l.v.Stats().Recovery.Torn; len(torn) > 0 {
		l.Errorf("moved aside: %+v", torn)
	}
}
