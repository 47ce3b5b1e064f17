package seal

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"sync"

	"mailarchive/internal/mail"
)

// What can be wrong with a member beside what verify says.
var (
	errCut  = fmt.Errorf("the member is cut: %w", mail.ErrDamaged)
	errHead = fmt.Errorf("the member's header is not as it was written: %w", mail.ErrDamaged)
)

// member is one gzip member as it stands in a file.
type member struct {
	offset   int64 // in the compressed stream
	length   int64
	field    memberField
	outer    []byte
	deflated []byte
	tail     []byte
	sound    bool // the header is byte for byte as this package writes it
}

// members cuts a compressed stream into members. It steps over what is damaged
// to the next header that bears the file's mark, and gives the stretch before it
// as a member that is not sound. Its buffer holds two members.
type members struct {
	r      *bufio.Reader
	offset int64
	mark   mark
	marked bool
}

const memberMost = memberHead + outerField + maxDeflated + memberTail

func newMembers(r io.Reader) *members {
	return &members{r: bufio.NewReaderSize(r, 2*memberMost)}
}

// membersAt begins at an offset of a file. With short, the buffer is for the
// member there alone: who reads one message waits for no more than that.
func membersAt(open func(offset int64) (io.Reader, error), offset int64, short bool) (*members, error) {
	r, err := open(offset)
	if err != nil {
		return nil, err
	}
	b := make([]byte, memberHead+outerField)
	n, err := io.ReadFull(r, b)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	size := 2 * memberMost
	if f, _, ok := readField(b[:n]); ok && short {
		size = int(f.length()) + 2*len(b)
	}
	r = io.MultiReader(bytes.NewReader(b[:n]), r)
	return &members{r: bufio.NewReaderSize(r, size), offset: offset}, nil
}

// next reads one member into m, whose buffers are used again. io.EOF is the end
// of the stream; other errors are those of the reader.
func (s *members) next(m *member) error {
	head, _ := s.r.Peek(memberHead + outerField)
	if len(head) == 0 {
		_, err := s.r.Peek(1)
		return err
	}
	f, outer, ok := readField(head)
	if ok && (!s.marked || f.mark == s.mark) && s.whole(f, outer) {
		return s.cut(m, f, f.head(), int(f.length()), true)
	}
	return s.cutDamaged(m)
}

// whole reports whether the header's length can be believed: another header
// stands behind the member, or its digest is right.
func (s *members) whole(f memberField, outer []byte) bool {
	length := int(f.length())
	b, _ := s.r.Peek(length + len(memberMagic))
	if s.marked && len(b) == length+len(memberMagic) && string(b[length:]) == memberMagic {
		return true
	}
	if len(b) < length {
		return false
	}
	if memberDigest(f, outer, b[f.head():length-memberTail]) != f.digest {
		return false
	}
	s.mark, s.marked = f.mark, true
	return true
}

// cutDamaged takes what stands before the next header that can be believed, or
// all that is left, at most a member's length. What can be told of its header
// is in the field.
func (s *members) cutDamaged(m *member) error {
	b, _ := s.r.Peek(2 * memberMost)
	length := min(len(b), memberMost)
	if next := s.search(b[1:]); next >= 0 {
		length = min(length, next+1)
	}
	var f memberField
	if len(b) >= memberHead {
		f.decode(b[len(memberMagic):])
	}
	head := memberHead
	if s.offset == 0 && len(b) > memberHead+4 && string(b[memberHead:memberHead+4]) == outerMagic {
		head += outerField
	}
	return s.cut(m, f, head, length, false)
}

// search returns where the next header of this file begins, -1 if nowhere.
func (s *members) search(b []byte) int {
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(memberMagic))
		if i < 0 {
			return -1
		}
		at += i
		f, _, ok := readField(b[at:])
		if ok && (!s.marked || f.mark == s.mark) {
			return at
		}
		at++
	}
}

// cut fills m with the next bytes of the stream.
func (s *members) cut(m *member, f memberField, head, length int, sound bool) error {
	b, err := s.r.Peek(length)
	if err != nil {
		return err
	}
	m.offset, m.length, m.field, m.sound = s.offset, int64(length), f, sound
	head = min(head, length)
	end := max(head, length-memberTail)
	m.outer = m.outer[:0]
	if head > memberHead {
		m.outer = append(m.outer, b[memberHead+4:head]...)
	}
	m.deflated = append(m.deflated[:0], b[head:end]...)
	m.tail = append(m.tail[:0], b[end:]...)
	_, err = s.r.Discard(length)
	s.offset += int64(length)
	return err
}

// expanded is a member with what it decodes to.
type expanded struct {
	member
	raw   []byte
	fault error // what is wrong with it; raw is then what could be read
	done  chan struct{}
}

// expand decodes the member and compares it with its header.
func (e *expanded) expand(d *decoder) {
	e.fault = nil
	var err error
	e.raw, err = d.expand(e.raw[:0], e.deflated)
	switch {
	case err != nil:
		e.fault = err
	case len(e.tail) < memberTail:
		e.fault = errCut
	default:
		e.fault = verify(e.field, e.outer, e.deflated, e.tail, e.raw)
	}
	if e.fault == nil && !e.sound {
		e.fault = errHead
	}
}

// expander decodes members on several cores and hands them on in order.
type expander struct {
	free, order, work chan *expanded
	stop              chan struct{}
	all               sync.WaitGroup
	err               error // of the stream; read once order is closed
}

func newExpander(s *members, workers int) *expander {
	depth := 2*workers + 1
	x := &expander{
		free: make(chan *expanded, depth), order: make(chan *expanded, depth), work: make(chan *expanded, depth),
		stop: make(chan struct{}),
	}
	for range depth {
		x.free <- &expanded{done: make(chan struct{}, 1)}
	}
	for range workers {
		x.all.Go(func() {
			d := newDecoder()
			for e := range x.work {
				e.expand(d)
				e.done <- struct{}{}
			}
		})
	}
	x.all.Go(func() { x.read(s) })
	return x
}

func (x *expander) read(s *members) {
	defer close(x.order)
	defer close(x.work)
	for {
		select {
		case e := <-x.free:
			if x.err = s.next(&e.member); x.err != nil {
				return
			}
			x.order <- e
			x.work <- e
		case <-x.stop:
			return
		}
	}
}

// each calls visit for every member until it returns an error, which it
// returns, else the error that the stream ended with, nil for io.EOF. What visit
// gets is its own until it returns.
func (x *expander) each(visit func(*expanded) error) error {
	defer x.all.Wait()
	defer close(x.stop)
	for e := range x.order {
		<-e.done
		if err := visit(e); err != nil {
			return err
		}
		x.free <- e
	}
	if x.err == io.EOF {
		return nil
	}
	return x.err
}
