package audit

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
)

// folder is where the record is on a disk in memory.
const folder = "/data/audit"

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// lab is a record on a disk in memory.
type lab struct {
	testing.TB
	disk *durabletest.Disk
	o    Options
	log  *Log

	mu    sync.Mutex
	now   time.Time
	asked func() // called once when the writer asks for the time
}

func newLab(t testing.TB, o Options) *lab {
	t.Helper()
	l := &lab{TB: t, disk: durabletest.New(durabletest.Options{}), o: o, now: noon}
	l.o.Folder, l.o.Clock = folder, l.clock
	return l.start()
}

func (l *lab) clock() time.Time {
	l.mu.Lock()
	asked, now := l.asked, l.now
	l.asked = nil
	l.mu.Unlock()
	if asked != nil {
		asked()
	}
	return now
}

func (l *lab) setClock(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = t
}

func (l *lab) start() *lab {
	l.Helper()
	l.o.FS = l.disk
	log, err := Open(l.o)
	if err != nil {
		l.Fatalf("Open: %v", err)
	}
	l.log = log
	l.Cleanup(func() { log.Close() })
	return l
}

// restart ends the process in good order and begins another.
func (l *lab) restart() *lab {
	l.Helper()
	l.log.Close()
	return l.start()
}

// crash takes the power away and begins again on what the disk then has.
func (l *lab) crash(choose func(int) int) *lab {
	l.Helper()
	l.disk = l.disk.Crash(choose)
	l.log.Close()
	return l.start()
}

// act is an entry that is known by its object.
func act(object string) Entry { return Entry{Actor: "root", Act: ActShow, Object: object} }

// record writes entries, each in a commit of its own.
func (l *lab) record(objects ...string) {
	l.Helper()
	for _, o := range objects {
		if err := l.log.Record(context.Background(), act(o)); err != nil {
			l.Fatalf("Record %s: %v", o, err)
		}
	}
}

// group writes entries in one commit and returns what each was told: the
// writer is held up with a request for nothing until all of them wait.
func (l *lab) group(objects ...string) []error {
	l.Helper()
	entered, release := make(chan bool), make(chan bool)
	l.mu.Lock()
	l.asked = func() { entered <- true; <-release }
	l.mu.Unlock()
	first := l.log.enqueue(&request{done: make(chan error, 1)})
	<-entered
	var answers []<-chan error
	for _, o := range objects {
		body, err := encodeBody(act(o))
		if err != nil {
			l.Fatal(err)
		}
		answers = append(answers, l.log.enqueue(&request{body: body, done: make(chan error, 1)}))
	}
	release <- true
	<-first
	var told []error
	for _, a := range answers {
		told = append(told, <-a)
	}
	return told
}

// objects returns those of all entries, oldest first.
func (l *lab) objects() []string {
	l.Helper()
	var all []string
	for _, e := range collect(l, l.log, Filter{}) {
		all = append(all, e.Object)
	}
	return all
}

func (l *lab) wantObjects(want string) {
	l.Helper()
	if got := strings.Join(l.objects(), " "); got != want {
		l.Errorf("entries are %q, want %q", got, want)
	}
}

func collect(t testing.TB, log *Log, f Filter) []Entry {
	t.Helper()
	var all []Entry
	err := log.Walk(context.Background(), f, func(e Entry) error {
		all = append(all, e)
		return nil
	})
	if err != nil {
		t.Errorf("Walk: %v", err)
	}
	return all
}

func findings(t testing.TB, log *Log, heads ...Head) []Finding {
	t.Helper()
	var all []Finding
	if err := log.Verify(context.Background(), nil, func(f Finding) { all = append(all, f) }, heads...); err != nil {
		t.Errorf("Verify: %v", err)
	}
	return all
}

// wantWhole fails when there is any fault in the record.
func (l *lab) wantWhole() {
	l.Helper()
	for _, f := range findings(l, l.log) {
		l.Errorf("Verify: %s", f)
	}
}

// read returns a file's bytes; name is within the folder.
func (l *lab) read(name string) string {
	l.Helper()
	b, err := l.disk.ReadFile(folder + "/" + name)
	if err != nil {
		l.Fatal(err)
	}
	return string(b)
}

// write puts other bytes in a file's place, on disk for certain.
func (l *lab) write(name, text string) {
	l.Helper()
	f, err := l.disk.OpenFile(folder+"/"+name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = f.Write([]byte(text))
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = l.disk.SyncDir(folder)
	}
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lab) remove(name string) {
	l.Helper()
	if err := l.disk.Remove(folder + "/" + name); err != nil {
		l.Fatal(err)
	}
}

// mortal is a file system that a process uses until it is killed: then nothing
// that it does reaches the disk.
type mortal struct {
	durable.FS
	mu   sync.Mutex
	left int // operations until the kill; below zero for ever
}

var errKilled = fmt.Errorf("the process was killed")

func (m *mortal) lives() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == 0 {
		return errKilled
	}
	m.left--
	return nil
}

// doomed reports whether a kill is planned or has happened.
func (m *mortal) doomed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left >= 0
}

func (m *mortal) OpenFile(name string, flag int, perm os.FileMode) (durable.File, error) {
	if err := m.lives(); err != nil {
		return nil, err
	}
	f, err := m.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &mortalFile{f, m}, nil
}

func (m *mortal) Rename(a, b string) error {
	if err := m.lives(); err != nil {
		return err
	}
	return m.FS.Rename(a, b)
}

func (m *mortal) Remove(name string) error {
	if err := m.lives(); err != nil {
		return err
	}
	return m.FS.Remove(name)
}

func (m *mortal) Mkdir(name string, perm os.FileMode) error {
	if err := m.lives(); err != nil {
		return err
	}
	return m.FS.Mkdir(name, perm)
}

func (m *mortal) SyncDir(name string) error {
	if err := m.lives(); err != nil {
		return err
	}
	return m.FS.SyncDir(name)
}

type mortalFile struct {
	durable.File
	m *mortal
}

func (f *mortalFile) Write(b []byte) (int, error) {
	if err := f.m.lives(); err != nil {
		return 0, err
	}
	return f.File.Write(b)
}

func (f *mortalFile) Truncate(size int64) error {
	if err := f.m.lives(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *mortalFile) Sync() error {
	if err := f.m.lives(); err != nil {
		return err
	}
	return f.File.Sync()
}

// readCounter adds up the bytes that are read.
func readCounter(read *int) func(durabletest.Op) durabletest.Fault {
	var mu sync.Mutex
	return func(op durabletest.Op) durabletest.Fault {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind == durabletest.Read {
			*read += op.Size
		}
		return durabletest.Fault{}
	}
}
