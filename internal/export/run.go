package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// place is where a format has put a message.
type place struct {
	file   string
	offset *int64 // in an mbox
	there  bool   // from an earlier run
}

// format writes messages one after the other.
type format interface {
	// put writes a message. A contentError is that message's alone; after any
	// other error nothing more is written.
	put(m *Message, s *staged) (place, error)
}

// exporter is one export at work.
type exporter struct {
	o     Options
	stage stage
	sum   Summary
	shown time.Time
}

func newExporter(o Options) (*exporter, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return &exporter{o: o, stage: stage{dir: o.TempDir}}, nil
}

// all writes the messages and their lines of the manifest.
func (e *exporter) all(ctx context.Context, messages iter.Seq2[Message, error], to format, manifest io.Writer) error {
	defer e.stage.clear() // what it holds is of no use to anybody
	for m, err := range messages {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = e.one(ctx, &m, to, manifest)
		}
		if err != nil {
			return err
		}
		e.progress(false)
	}
	if err := context.Cause(ctx); err != nil { // a sequence may just end with it
		return err
	}
	e.progress(true)
	return nil
}

// one writes a message, or why it is missing.
func (e *exporter) one(ctx context.Context, m *Message, to format, manifest io.Writer) error {
	entry := newEntry(m)
	err := e.put(ctx, m, to, &entry)
	var own *contentError
	if errors.As(err, &own) {
		e.fail(m, own.err)
		entry.Error = own.Error()
		err = nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.ID, err)
	}
	return entry.encode(manifest)
}

func (e *exporter) put(ctx context.Context, m *Message, to format, entry *Entry) error {
	s, err := e.stage.take(ctx, m)
	if err != nil {
		return err
	}
	if e.o.DeliveredTo {
		if err := s.addFront(recipients(m)); err != nil {
			return err
		}
	}
	p, err := to.put(m, s)
	if err != nil {
		return err
	}
	entry.Size, entry.File, entry.Offset = s.size, p.file, p.offset
	if len(s.front) > 0 {
		entry.Written = &Written{SHA256: s.written, Size: s.total(), Front: len(s.front)}
	}
	e.sum.Written++
	e.sum.Bytes += s.size
	if p.there {
		e.sum.There++
	}
	return nil
}

func (e *exporter) fail(m *Message, err error) {
	e.sum.Failed++
	if len(e.sum.Failures) < maxFailures {
		e.sum.Failures = append(e.sum.Failures, Failure{m.ID, err})
	}
}

// progressEvery is how often Progress is called at most.
const progressEvery = 250 * time.Millisecond

func (e *exporter) progress(now bool) {
	if e.o.Progress == nil {
		return
	}
	at := e.o.Clock()
	if !now && at.Sub(e.shown) < progressEvery {
		return
	}
	e.shown = at
	e.o.Progress(Progress{Done: e.sum.Written + e.sum.Failed, Total: e.o.Total, Bytes: e.sum.Bytes})
}
