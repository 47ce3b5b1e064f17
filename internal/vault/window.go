package vault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"syscall"

	"mailarchive/internal/mail"
)

// steady reads on where the disk gives an error for a part of a file: that
// part comes as bytes of 0xFF, which no frame and no checksum bears, so that it
// is found damaged and costs what is in it and nothing else. (Not zeros: those
// are the sign of a write that did not happen, see tail.go.)
type steady struct {
	r   io.ReaderAt
	log *slog.Logger
}

// page is how many bytes are given up together, a multiple of what disks do.
const page = 4096

// ReadAt is io.ReaderAt.
func (s steady) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.r.ReadAt(p, off)
	if !errors.Is(err, syscall.EIO) {
		return n, err
	}
	for done := 0; done < len(p); {
		size := min(page-int((off+int64(done))%page), len(p)-done)
		part := p[done : done+size]
		n, err := s.r.ReadAt(part, off+int64(done))
		switch {
		case errors.Is(err, syscall.EIO):
			s.log.Error("disk does not give these bytes", "offset", off+int64(done), "length", size, "error", err)
			for i := range part {
				part[i] = 0xFF
			}
		case n < size:
			return done + n, err
		}
		done += size
	}
	return len(p), nil
}

// window reads a file through one buffer that moves along with the reader.
type window struct {
	r     io.ReaderAt
	limit int64 // nothing is read at or behind it
	off   int64
	buf   []byte
}

const (
	// windowSize is what a window reads at once, in bytes.
	windowSize = 1 << 20
	// enough is what a search wants to see before the window moves on.
	enough = 64 << 10
)

// some returns the bytes from off on that are at hand: size of them or more,
// fewer only before the limit. They are valid until the next call.
func (w *window) some(off int64, size int) ([]byte, error) {
	size = int(max(0, min(int64(size), w.limit-off)))
	if skip := off - w.off; skip >= 0 && skip+int64(size) <= int64(len(w.buf)) {
		return w.buf[skip:], nil
	}
	n := int(max(0, min(int64(max(size, windowSize)), w.limit-off)))
	if cap(w.buf) < n {
		w.buf = make([]byte, n)
	}
	w.buf, w.off = w.buf[:n], off
	if got, err := w.r.ReadAt(w.buf, off); got < n {
		w.buf = w.buf[:0]
		return nil, fmt.Errorf("read segment at %d: %w", off, err)
	}
	return w.buf, nil
}

// at returns size bytes from off on, fewer only before the limit.
func (w *window) at(off int64, size int) ([]byte, error) {
	b, err := w.some(off, size)
	return b[:min(size, len(b))], err
}

// each calls use for the bytes of a stretch, piece by piece.
func (w *window) each(off, length int64, use func(b []byte)) error {
	for end := off + length; off < end; {
		b, err := w.at(off, int(min(end-off, windowSize)))
		if err != nil {
			return err
		}
		if len(b) == 0 {
			return fmt.Errorf("segment ends at %d: %w", off, mail.ErrDamaged)
		}
		use(b)
		off += int64(len(b))
	}
	return nil
}

// frame returns the compressed bytes of the frame that begins at off.
func (w *window) frame(off int64) ([]byte, error) {
	for size := enough; ; size *= 4 {
		b, err := w.some(off, size)
		if err != nil {
			return nil, err
		}
		n, err := frameLength(b)
		if errors.Is(err, errCut) && int64(len(b)) < w.limit-off && len(b) <= maxFrameRaw {
			continue
		}
		if err != nil {
			return nil, err
		}
		return b[:n], nil
	}
}

// mark returns the commit mark that stands at off, if it belongs there; with no
// home, any.
func (w *window) mark(off int64, of *home) (*mark, bool) {
	b, err := w.at(off, markMinimum)
	if err != nil || !beginsMark(b, of) {
		return nil, false
	}
	// Only now, for a mark of our own: a sender could have written any count.
	frames := binary.LittleEndian.Uint32(b[markHeader+markFixed-4:])
	if frames > maxMarkFrames {
		return nil, false
	}
	version := binary.LittleEndian.Uint32(b[markHeader+len(markName):])
	if b, err = w.at(off, markLength(version, int(frames))); err != nil {
		return nil, false
	}
	return decodeMark(b, off)
}

// firstMark goes from frame to frame from the beginning of the file on and
// returns the mark behind them, whoever owns it; nil when something else is
// there.
func (w *window) firstMark() (*mark, error) {
	for off := int64(0); ; {
		frame, err := w.frame(off)
		switch {
		case err == nil:
			off += int64(len(frame))
			continue
		case !errors.Is(err, mail.ErrDamaged):
			return nil, err
		}
		if m, ok := w.mark(off, nil); ok {
			return m, nil
		}
		return nil, nil
	}
}

// findMark searches from off on for the next mark of that home, or with no home
// for any, whose commit begins at off or later. It returns where the
// mark stands; nil when there is none.
func (w *window) findMark(off int64, of *home) (*mark, int64, error) {
	from := off
	pattern, at := markPattern(of)
	for {
		b, err := w.some(from, enough)
		if err != nil || len(b) < markMinimum {
			return nil, 0, err
		}
		i := bytes.Index(b[at:], pattern)
		if i < 0 {
			from += int64(len(b) - at - len(pattern) + 1)
			continue
		}
		from += int64(i)
		if m, ok := w.mark(from, of); ok && m.offset >= off {
			return m, from, nil
		}
		from++
	}
}
