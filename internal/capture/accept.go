package capture

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"mailarchive/internal/mail"
)

// Staged is content on its way into the vault. It is not safe yet.
type Staged interface {
	// Write takes the next bytes. It does not keep p. Its errors are of the
	// kinds of package mail (ErrFull above all).
	io.Writer
	// Size is the bytes written so far.
	Size() int64
	// Discard frees what was staged. It is called once, when Append was not.
	Discard()
}

// Vault keeps exact bytes. Its methods are called from many sessions at once.
type Vault interface {
	// Stage opens a place for one message, at no cost on disk.
	Stage() Staged
	// Append returns nil when bytes and record survive power loss. It owns
	// the staged content from the call on, whatever it returns.
	Append(ctx context.Context, env mail.Envelope, content Staged) (mail.Arrival, error)
}

// Acceptor takes messages into a vault. Its fields are set before the first
// Accept; only Vault is needed.
type Acceptor struct {
	Vault Vault
	// MaxSize is the bytes of the largest message that is taken; 0 for any.
	MaxSize int64
	// Observe, when set, is called after each Accept with the bytes that were
	// read, the time that it took, and the error that it returned.
	Observe func(env *mail.Envelope, size int64, took time.Duration, err error)
	// Now is the clock (default time.Now).
	Now func() time.Time

	accepted, failed, bytes atomic.Int64
	copyBuffers             sync.Pool
}

// Counts are totals since the start.
type Counts struct {
	Accepted int64 // messages that were told yes
	Bytes    int64 // of their contents
	Failed   int64 // messages that were not
}

// Counts may be called at any time.
func (a *Acceptor) Counts() Counts {
	return Counts{Accepted: a.accepted.Load(), Bytes: a.bytes.Load(), Failed: a.failed.Load()}
}

// Accept stores one message. When it returns nil, bytes and record survive
// power loss; on any error the caller tells its peer to try again, unless the
// error wraps mail.ErrTooLarge or mail.ErrNotAllowed. An error of content
// comes back wrapped. Calling it twice with the same bytes is safe and records
// two arrivals. It may be called from many goroutines at once.
func (a *Acceptor) Accept(ctx context.Context, env mail.Envelope, content io.Reader) (mail.Arrival, error) {
	start := a.now()
	arrival, size, err := a.store(ctx, env, content)
	if err != nil {
		err = fmt.Errorf("accept: %w", err)
		a.failed.Add(1)
	} else {
		a.accepted.Add(1)
		a.bytes.Add(size)
	}
	if a.Observe != nil {
		a.Observe(&env, size, a.now().Sub(start), err)
	}
	return arrival, err
}

func (a *Acceptor) store(ctx context.Context, env mail.Envelope, content io.Reader) (mail.Arrival, int64, error) {
	staged := a.Vault.Stage()
	err := a.fill(staged, content)
	if err == nil {
		err = ctx.Err() // the last chance to spare the disk
	}
	size := staged.Size()
	if err != nil {
		staged.Discard()
		return mail.Arrival{}, size, err
	}
	arrival, err := a.Vault.Append(ctx, env, staged)
	if err != nil {
		return mail.Arrival{}, size, fmt.Errorf("append: %w", err)
	}
	return arrival, size, nil
}

func (a *Acceptor) fill(staged Staged, content io.Reader) error {
	w := &bounded{staged: staged, most: a.MaxSize}
	err := a.copy(w, content)
	if w.err != nil {
		return fmt.Errorf("stage: %w", w.err)
	}
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}

// copyBuffer is the bytes moved at once from a reader that cannot write its
// content itself.
const copyBuffer = 64 << 10

func (a *Acceptor) copy(w io.Writer, content io.Reader) error {
	if direct, ok := content.(io.WriterTo); ok {
		_, err := direct.WriteTo(w)
		return err
	}
	buf, ok := a.copyBuffers.Get().(*[copyBuffer]byte)
	if !ok {
		buf = new([copyBuffer]byte)
	}
	defer a.copyBuffers.Put(buf)
	_, err := io.CopyBuffer(w, content, buf[:])
	return err
}

// bounded stages no more than most bytes and remembers what failed: an error
// of the reader is another matter.
type bounded struct {
	staged Staged
	most   int64
	err    error
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.most > 0 && b.staged.Size()+int64(len(p)) > b.most {
		b.err = mail.ErrTooLarge
		return 0, b.err
	}
	n, err := b.staged.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	b.err = err
	return n, err
}

func (a *Acceptor) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}
