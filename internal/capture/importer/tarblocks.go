package importer

import (
	"bytes"
	"io"
	"strconv"
	"strings"
)

// tarBlock is the unit of a tar file, in bytes.
const tarBlock = 512

// isTar reports whether a tar file begins so: by its magic (POSIX ustar), or,
// as older ones have none, by the checksum of its first header.
func isTar(head []byte) bool {
	if len(head) < tarBlock {
		return len(head) > 262 && string(head[257:262]) == "ustar"
	}
	return string(head[257:262]) == "ustar" || isTarHeader(head[:tarBlock])
}

// isTarHeader reports whether the checksum of a block is right: the sum of its
// bytes, those of the checksum itself taken as blanks, signed in some old ones.
func isTarHeader(b []byte) bool {
	const at, end = 148, 156
	text := strings.Trim(string(b[at:end]), " \x00")
	want, err := strconv.ParseInt(text, 8, 64)
	if err != nil || b[0] == 0 {
		return false
	}
	var unsigned, signed int64
	for i, c := range b {
		if i >= at && i < end {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return want == unsigned || want == signed
}

// tarBlocks gives a tar to its reader and finds the next header behind damage.
type tarBlocks struct {
	r     io.Reader
	pos   int64 // of the next byte that Read gives, in the unpacked tar
	ahead []byte
	err   error // of r, but io.EOF
}

func (t *tarBlocks) Read(p []byte) (n int, err error) {
	if len(t.ahead) > 0 {
		n = copy(p, t.ahead)
		t.ahead = t.ahead[n:]
	} else {
		n, err = t.r.Read(p)
	}
	if err != nil && err != io.EOF {
		t.err = err
	}
	t.pos += int64(n)
	return n, err
}

// next goes on to the next header. It returns how much it stepped over, in
// bytes, whether that was more than zeros, and io.EOF when there is none.
func (t *tarBlocks) next() (over int64, something bool, err error) {
	block := make([]byte, tarBlock)
	if odd := t.pos % tarBlock; odd != 0 {
		n, err := io.ReadFull(t, block[odd:])
		over, something = int64(n), n > 0
		if err != nil {
			return over, something, t.end()
		}
	}
	for {
		n, err := io.ReadFull(t, block)
		if err != nil {
			something = something || len(bytes.Trim(block[:n], "\x00")) > 0
			return over + int64(n), something, t.end()
		}
		if isTarHeader(block) {
			t.ahead, t.pos = block, t.pos-tarBlock
			return over, something, nil
		}
		over += tarBlock
		something = something || len(bytes.Trim(block, "\x00")) > 0
	}
}

// end tells why nothing follows.
func (t *tarBlocks) end() error {
	if t.err != nil {
		return t.err
	}
	return io.EOF
}
