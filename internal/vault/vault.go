package vault

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Folders and files beside the segments.
const (
	tornFolder   = "torn"
	spoolFolder  = "spool"
	identityFile = "vault.json"
	readmeFile   = "README.txt"
)

// DefaultSegmentSize is what a segment may grow to, in bytes.
const DefaultSegmentSize = 256 << 20

// Options say where and how a vault is kept. Folder is needed; every other
// field has a working default. The caller sees to it that one process only
// opens the folder (durable.TakeLock).
type Options struct {
	Folder string
	FS     durable.FS // the real one
	// SegmentSize is the length in bytes that a segment does not grow over,
	// one commit excepted that is larger by itself.
	SegmentSize int64
	// Reserve is the free space in bytes below which nothing is taken in, so
	// that catalog and logs can still write. Zero is no reserve.
	Reserve uint64
	// Level is the zstd level of new frames; zero is the fastest.
	Level zstd.EncoderLevel
	// Location decides when a month ends; nil is UTC.
	Location *time.Location
	Clock    func() time.Time
	Logger   *slog.Logger
}

// Vault keeps exact bytes. Its methods may be called at once from several
// goroutines.
type Vault struct {
	folder      string
	fs          durable.FS
	segmentSize int64
	reserve     uint64
	location    *time.Location
	clock       func() time.Time
	log         *slog.Logger
	owner       owner
	codec       *codec

	staging atomic.Int64  // bytes of content held in memory on the way in
	spooled atomic.Uint64 // numbers the spool files
	packing chan struct{} // bounds how many contents are packed at once

	contents contents
	buffers  buffers
	frames   frames
	restored contents   // the records by which an arrival came out of an archive file, by its ID
	mending  sync.Mutex // one index is made again at a time
	release  sync.Mutex // one Release runs at a time
	upgrades sync.Mutex // guards format
	format   int        // of the vault, in vault.json

	// swap is held for reading from looking up a position to opening the file
	// that it is in, and for writing while that file is replaced. It is taken
	// before mu, and never twice.
	swap sync.RWMutex

	mu       sync.Mutex
	unpinned *sync.Cond // of mu: a pin of a segment is gone
	segments []*segment
	seals    []Seal                    // by rising seq
	unread   []uint64                  // records of KindSeal that could not be read yet
	underway map[mail.ID]chan struct{} // that AppendRestored is busy with
	end      chain
	changed  chan struct{} // closed at the next commit
	opened   Recovery

	gate    sync.RWMutex // guards closing against a send to queue
	closing bool
	queue   chan *request
	stopped chan struct{}  // writer has ended
	loading sync.WaitGroup // of contents, and Release
	stop    chan struct{}  // ends loading and Release
}

// Open opens the vault in the folder, making it if need be, and sets right
// what a crash left: when it returns, everything acknowledged is readable and
// what was torn lies in torn/. See Recovery for what it found.
func Open(o Options) (*Vault, error) {
	level := o.Level
	if level == 0 {
		level = zstd.SpeedFastest
	}
	codec, err := newCodec(level)
	if err != nil {
		return nil, err
	}
	v := &Vault{
		folder: o.Folder, fs: o.FS, segmentSize: o.SegmentSize, reserve: o.Reserve,
		location: o.Location, clock: o.Clock, log: o.Logger, codec: codec,
		packing: make(chan struct{}, runtime.GOMAXPROCS(0)), changed: make(chan struct{}),
		queue: make(chan *request, maxBatchRecords), stopped: make(chan struct{}), stop: make(chan struct{}),
	}
	v.unpinned, v.underway = sync.NewCond(&v.mu), map[mail.ID]chan struct{}{}
	v.defaults()
	w, err := v.recover()
	if err != nil {
		codec.close()
		return nil, fmt.Errorf("open vault %s: %w", o.Folder, err)
	}
	if err := v.loadRecords(); err != nil {
		codec.close()
		return nil, fmt.Errorf("open vault %s: %w", o.Folder, err)
	}
	v.loading.Go(v.loadContents)
	go func() {
		defer close(v.stopped)
		w.run()
		w.close()
	}()
	return v, nil
}

func (v *Vault) defaults() {
	if v.fs == nil {
		v.fs = durable.OS{}
	}
	if v.segmentSize == 0 {
		v.segmentSize = DefaultSegmentSize
	}
	if v.location == nil {
		v.location = time.UTC
	}
	if v.clock == nil {
		v.clock = time.Now
	}
	if v.log == nil {
		v.log = slog.New(slog.DiscardHandler)
	}
	v.log = v.log.With("step", "vault")
}

// Close waits for what Append has taken and lets go of the files. Append
// returns an error afterwards; reading may go on until the last reader is done.
func (v *Vault) Close() error {
	v.gate.Lock()
	if v.closing {
		v.gate.Unlock()
		return nil
	}
	v.closing = true
	close(v.queue)
	close(v.stop)
	v.gate.Unlock()
	<-v.stopped
	v.loading.Wait()
	return nil
}

// UUID names the vault.
func (v *Vault) UUID() UUID { return v.owner.vault }

// Last is the seq of the newest record, 0 in an empty vault.
func (v *Vault) Last() uint64 { return v.tip().seq }

func (v *Vault) tip() chain {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.end
}

// WaitPast returns nil when a record after seq is there, or the error of ctx.
func (v *Vault) WaitPast(ctx context.Context, seq uint64) error {
	for {
		v.mu.Lock()
		last, changed := v.end.seq, v.changed
		v.mu.Unlock()
		if last > seq {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// publish makes a commit that is on disk visible.
func (v *Vault) publish(s *segment, c *commit) {
	for _, e := range c.entries {
		if e.flags&entryBytes != 0 && e.size >= sharedMinimum {
			v.contents.add(contentKey(e.digest), e.seq)
		}
		if e.flags&entryRestored != 0 {
			v.restored.add(idKey(e.other), e.seq)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s.extend(c.entries, c.mark.offset+c.length())
	v.end = c.end
	v.seals = append(v.seals, c.seals...)
	close(v.changed)
	v.changed = make(chan struct{})
}

// addSegment makes the segment the last one. One before it in which there is
// nothing is left out: a search by halving wants rising numbers.
func (v *Vault) addSegment(s *segment) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := len(v.segments); n > 0 && v.segments[n-1].empty() {
		v.segments = v.segments[: n-1 : n-1]
	}
	v.segments = append(v.segments, s)
}

// retire writes the index of a closed segment and lets go of its positions.
func (v *Vault) retire(s *segment) {
	v.mu.Lock()
	entries := s.entries
	v.mu.Unlock()
	if len(entries) == 0 {
		return
	}
	if err := v.writeIndex(s, entries); err != nil {
		v.log.Warn("index not written; the positions stay in memory", "segment", s.number, "error", err)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s.entries = nil
}

// checkFree returns an error that wraps mail.ErrFull when size more bytes
// would go into the reserve.
func (v *Vault) checkFree(size int64) error {
	if v.reserve == 0 {
		return nil
	}
	free, err := v.fs.Free(v.folder)
	if err != nil {
		return fmt.Errorf("free space: %w", kind(err))
	}
	if free < v.reserve+uint64(size) {
		return fmt.Errorf("%d bytes are free and %d are the reserve: %w", free, v.reserve, mail.ErrFull)
	}
	return nil
}

func (v *Vault) month(t time.Time) string { return t.In(v.location).Format("2006-01") }

// Stats says how much the vault holds.
type Stats struct {
	Vault        UUID
	Records      uint64    // records in the chain
	Arrivals     uint64    // those of them that stand for a message of their own
	Archives     int       // records that name an archive file
	Segments     int       // files
	BytesDisk    int64     // of segments, indexes not counted
	LastReceived time.Time // zero in an empty vault
	Recovery     Recovery  // what the last start found
}

// Stats is cheap and exact as of the last commit.
func (v *Vault) Stats() Stats {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := Stats{Vault: v.owner.vault, Records: v.end.seq, Segments: len(v.segments), LastReceived: v.end.received, Recovery: v.opened, Archives: len(v.seals)}
	var notes uint64
	for _, seg := range v.segments {
		s.BytesDisk += seg.length
		notes += uint64(seg.notes)
	}
	s.Arrivals = s.Records - notes
	return s
}
