package smtp

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// errCut says that RSET, QUIT or the like came in the middle of a message in
// chunks.
var errCut = errors.New("message cut short by another command")

// chunk is what one BDAT announces.
type chunk struct {
	size int64
	last bool // LAST stood behind the size
}

// bdat answers the first BDAT of a message, or one that nobody wants (RFC 3030
// 2). The bytes behind it are read in any case: they are no commands.
func (c *conn) bdat(arg string) error {
	announced, err := parseChunk(arg)
	if err != nil {
		return err
	}
	switch {
	case c.tx.failed != nil:
		return c.refuseChunk(announced, *c.tx.failed)
	case c.tx.recipients == 0: // RFC 5321 3.3, RFC 2033 4.2
		c.errors++
		return c.refuseChunk(announced, Reply{503, "5.5.1", "No recipients yet"})
	case announced.size > c.maxSize:
		return c.refuseChunk(announced, tooLarge)
	}
	c.tx.chunked = true
	c.in.resize(largeBuffer)
	c.chunks = chunkReader{c: c, chunk: announced, left: announced.size}
	c.body.reset(&c.chunks, c.maxSize)
	c.enterMessage()
	answers := c.session.Data(c.server.force, &c.body)
	if err := c.finishChunks(answers); err != nil {
		return err
	}
	c.leaveMessage()
	return nil
}

// refuseChunk answers a chunk that no session gets to see.
func (c *conn) refuseChunk(announced chunk, refusal Reply) error {
	c.enterMessage()
	defer c.leaveMessage()
	c.chunks = chunkReader{c: c, chunk: announced, left: announced.size}
	return c.failChunk(refusal)
}

// failChunk reads what is left of a chunk and answers it. What comes behind it
// gets the same answer, until LAST or RSET.
func (c *conn) failChunk(failure Reply) error {
	err := c.chunks.skip(c.maxSize + c.limits.Drain)
	if err == errDrained && c.chunks.last {
		return c.hangUpOn(failure)
	}
	if err == errDrained {
		return hangUp{failure}
	}
	if err != nil {
		return err
	}
	if !c.chunks.last {
		if c.tx.open {
			c.tx.chunked, c.tx.failed = true, &failure
		}
		c.reply(failure)
		return nil
	}
	for range c.answersDue() {
		c.reply(failure)
	}
	c.resetTransaction()
	return nil
}

func (c *conn) finishChunks(answers []Reply) error {
	if c.body.complete() {
		c.answer(answers)
		return nil
	}
	err := c.body.broken()
	if err == errCut {
		c.resetTransaction()
		return nil // the command that cut it is held and runs next
	}
	if err != nil {
		return err
	}
	return c.failChunk(c.verdict(answers, 0))
}

// chunkReader takes the bytes of a message in chunks out of the connection.
// Between two chunks it answers the first and waits for the second, so that a
// session sees one message.
type chunkReader struct {
	c *conn
	chunk
	left int64 // of this chunk
}

func (k *chunkReader) next() ([]byte, error) {
	for k.left == 0 {
		if k.last {
			return nil, errEnd
		}
		if err := k.advance(); err != nil {
			return nil, err
		}
	}
	b, err := k.c.in.some()
	if err != nil {
		return nil, err
	}
	return k.take(b), nil
}

// take uses up the part of b that belongs to this chunk and returns it.
func (k *chunkReader) take(b []byte) []byte {
	b = b[:min(int64(len(b)), k.left)]
	k.c.in.discard(len(b))
	k.left -= int64(len(b))
	return b
}

// advance answers one chunk and runs commands up to the next.
func (k *chunkReader) advance() error {
	k.c.reply(Reply{250, "2.0.0", strconv.FormatInt(k.size, 10) + " bytes taken"})
	for {
		cmd, err := k.c.readCommand()
		if err != nil {
			return err
		}
		switch cmd.verb {
		case "BDAT":
			return k.open(cmd.arg)
		case "RSET", "QUIT", "EHLO", "HELO", "LHLO", "STARTTLS":
			k.c.held = &cmd
			return errCut
		}
		if err := cmd.answer(k.c, cmd.arg); err != nil {
			return err
		}
		if err := k.c.checkCounts(); err != nil {
			return err
		}
	}
}

// open begins the next chunk. One that leads over the limit is not begun.
func (k *chunkReader) open(arg string) (err error) {
	if k.chunk, err = parseChunk(arg); err != nil {
		return err
	}
	k.left = k.size
	k.c.in.resize(largeBuffer)
	if k.size > k.c.body.left {
		return tooLarge
	}
	return nil
}

// skip drops the rest of a chunk that nobody wants, if it is no longer than
// most.
func (k *chunkReader) skip(most int64) error {
	if k.left > most {
		return errDrained
	}
	for k.left > 0 {
		b, err := k.c.in.some()
		if err != nil {
			return err
		}
		k.take(b)
	}
	return nil
}

// parseChunk reads the argument of BDAT: a size and maybe LAST. Without a size
// there is no telling where commands go on, so the error hangs up.
func parseChunk(arg string) (chunk, error) {
	bad := hangUp{Reply{501, "5.5.4", "Syntax: BDAT size [LAST]"}}
	digits, rest, last := strings.Cut(arg, " ")
	if last && !strings.EqualFold(strings.Trim(rest, " \t"), "LAST") {
		return chunk{}, bad
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if errors.Is(err, strconv.ErrRange) {
		return chunk{math.MaxInt64, last}, nil
	}
	if err != nil {
		return chunk{}, bad
	}
	return chunk{int64(n), last}, nil
}
