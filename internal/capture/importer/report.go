package importer

import (
	"sync"
	"time"

	"mailarchive/internal/mail"
)

// Result is what became of an item.
type Result string

// The results.
const (
	Stored  Result = "stored"  // the archive has it, from this run
	Already Result = "already" // the archive had it, from the same place
	Skipped Result = "skipped" // no mail, or none that we can read; see the reason
	Failed  Result = "failed"  // mail that did not get in; see the reason
)

// Outcome tells what became of one message or of one file that was left aside.
type Outcome struct {
	// Path is the file, as absolute path.
	Path string `json:"path"`
	// Index counts the messages of an mbox from 1; 0 for a whole file.
	Index int `json:"index,omitempty"`
	// Offset is where an mbox has the message's From_ line, in bytes; in a
	// gzip file, of the unpacked bytes.
	Offset int64 `json:"offset"`
	// Folder is the mail folder, "/" between levels, empty for the inbox.
	Folder string `json:"folder,omitempty"`
	// Outcome is the result.
	Outcome Result `json:"outcome"`
	// ID is the archive's, when Outcome is Stored.
	ID mail.ID `json:"id,omitzero"`
	// SHA256 and Size are of the message's bytes, where it was read; for a
	// file left aside Size is the file's.
	SHA256 mail.Digest `json:"sha256,omitzero"`
	Size   int64       `json:"size"`
	// Reason says in a sentence why, for Skipped and Failed.
	Reason string `json:"reason,omitempty"`
}

// Summary counts the outcomes of a run.
type Summary struct {
	Stored, Already, Skipped, Failed int
	// Bytes of the messages stored.
	Bytes int64
	// Elapsed is how long the run took.
	Elapsed time.Duration
}

// Phase is what an import is doing.
type Phase string

// The phases.
const (
	Scanning Phase = "scanning" // counting files; totals grow
	Reading  Phase = "reading"  // messages go over
	Waiting  Phase = "waiting"  // the archive cannot take any now; see Reason
	Done     Phase = "done"
)

// Progress tells how far an import is.
type Progress struct {
	Phase Phase
	// Files and TotalBytes are what scanning found.
	Files      int
	TotalBytes int64
	// Items is the number of outcomes so far, Bytes how much of TotalBytes
	// they cover.
	Items int
	Bytes int64
	// Rate is in bytes a second over the last ten seconds or so, ItemRate in
	// items; 0 while unknown. Left is the time that remains at this rate.
	Rate, ItemRate float64
	Left           time.Duration
	// Reason is why the archive cannot take any, while Waiting.
	Reason string
}

const (
	// progressEvery is how often Progress is called at most.
	progressEvery = 250 * time.Millisecond
	// rateSamples spaced progressEvery apart span the time a rate is over.
	rateSamples = 40
)

// sample is how far the import was at a time.
type sample struct {
	at    time.Time
	items int
	bytes int64
}

// tracker counts outcomes and passes them on, one at a time.
type tracker struct {
	mu       sync.Mutex
	o        Options
	begun    time.Time
	p        Progress
	sum      Summary
	waiting  int // messages that the archive cannot take now
	samples  []sample
	lastShow time.Time
}

func newTracker(o Options) *tracker {
	return &tracker{o: o, begun: o.Clock(), p: Progress{Phase: Scanning}}
}

// found counts files while scanning.
func (t *tracker) found(files int, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.p.Files += files
	t.p.TotalBytes += bytes
	t.show(false)
}

func (t *tracker) phase(p Phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.p.Phase = p
	t.show(true)
}

// outcome counts and reports one item, which covers span bytes of its source.
func (t *tracker) outcome(out Outcome, span int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch out.Outcome {
	case Stored:
		t.sum.Stored++
		t.sum.Bytes += out.Size
	case Already:
		t.sum.Already++
	case Skipped:
		t.sum.Skipped++
	case Failed:
		t.sum.Failed++
	}
	if t.o.Report != nil {
		t.o.Report(out)
	}
	t.p.Items++
	t.p.Bytes += span
	t.show(false)
}

// covered counts bytes of a source that no item stands for.
func (t *tracker) covered(bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.p.Bytes += bytes
}

// wait marks one message more, or with -1 one less, as waiting.
func (t *tracker) wait(n int, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting += n
	t.p.Phase, t.p.Reason = Reading, ""
	if t.waiting > 0 {
		t.p.Phase, t.p.Reason = Waiting, reason
	}
	t.show(true)
}

// show calls Progress if it is time to.
func (t *tracker) show(now bool) {
	at := t.o.Clock()
	if t.o.Progress == nil || !now && at.Sub(t.lastShow) < progressEvery {
		return
	}
	t.lastShow = at
	t.rate(at)
	t.o.Progress(t.p)
}

// rate measures between the oldest sample and now.
func (t *tracker) rate(at time.Time) {
	t.p.Rate, t.p.ItemRate, t.p.Left = 0, 0, 0
	if t.p.Phase == Scanning {
		return
	}
	t.samples = append(t.samples, sample{at, t.p.Items, t.p.Bytes})
	t.samples = t.samples[max(0, len(t.samples)-rateSamples):]
	old := t.samples[0]
	took := at.Sub(old.at).Seconds()
	if took <= 0 {
		return
	}
	t.p.Rate = float64(t.p.Bytes-old.bytes) / took
	t.p.ItemRate = float64(t.p.Items-old.items) / took
	if left := float64(t.p.TotalBytes - t.p.Bytes); t.p.Rate > 0 && left > 0 {
		t.p.Left = time.Duration(min(left/t.p.Rate, 1e9) * float64(time.Second))
	}
}

// summary ends the run.
func (t *tracker) summary() Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Elapsed = t.o.Clock().Sub(t.begun)
	return t.sum
}
