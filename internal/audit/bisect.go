package audit

import (
	"bytes"
	"errors"
	"io"
)

// linear is the stretch that is read line by line and no longer halved.
const linear = 64 << 10

// firstAt returns where the first line begins, in [0, size), for which at says
// true, or size when there is none. at must be false up to some line and true
// from there; lines that cannot be read are passed over.
func firstAt(r io.ReaderAt, size int64, at func(*line) bool) (int64, error) {
	low, high, answer := int64(0), size, size // low is where a line begins
	for high-low > linear {
		mid := low + (high-low)/2
		s, l, err := readableFrom(r, mid, high, size)
		switch {
		case err != nil:
			return 0, err
		case l == nil:
			high = mid
		case at(l):
			answer, high = s.off, mid
		default:
			low = s.end
		}
	}
	err := eachLine(r, low, size, func(s span) error {
		if s.off >= high {
			return errStop
		}
		if l, err := decode(s.text); err == nil && at(l) {
			answer = s.off
			return errStop
		}
		return nil
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return answer, err
}

// readableFrom returns the first line that begins in (from, high) and can be
// read; nil when there is none.
func readableFrom(r io.ReaderAt, from, high, size int64) (found span, l *line, err error) {
	begin, err := nextStart(r, from, high)
	if err != nil {
		return found, nil, err
	}
	err = eachLine(r, begin, size, func(s span) error {
		if s.off >= high {
			return errStop
		}
		line, err := decode(s.text)
		if err != nil {
			return nil
		}
		found, l = s, line
		return errStop
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return found, l, err
}

// nextStart returns where the first line begins behind from, high when none
// does before that.
func nextStart(r io.ReaderAt, from, high int64) (int64, error) {
	b := make([]byte, min(high-from, firstStretch))
	for from < high {
		b = b[:min(int64(len(b)), high-from)]
		n, err := r.ReadAt(b, from)
		if i := bytes.IndexByte(b[:n], '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		if n < len(b) {
			return high, err
		}
		from += int64(n)
	}
	return high, nil
}
