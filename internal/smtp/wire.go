package smtp

import (
	"errors"
	"os"
	"time"
)

// flushAt keeps the replies to a long pipeline from piling up.
const flushAt = 4 << 10

// reply queues an answer. It leaves before the next wait for input, so the
// answers to a group of pipelined commands go out as one (RFC 2920 3.2).
func (c *conn) reply(r Reply) { c.out = r.appendTo(c.out) }

func (c *conn) flush() error {
	if len(c.out) == 0 || c.deaf != nil {
		return c.deaf
	}
	c.raw.SetWriteDeadline(c.server.Now().Add(c.limits.Idle))
	_, c.deaf = c.net.Write(c.out)
	c.out = c.out[:0]
	if cap(c.out) > 2*flushAt {
		c.out = nil
	}
	return c.deaf
}

// Read waits for input; it is the source of c.in.
func (c *conn) Read(p []byte) (int, error) {
	if err := c.flush(); err != nil {
		return 0, err
	}
	if err := c.arm(); err != nil {
		return 0, err
	}
	n, err := c.net.Read(p)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) && c.mustStop() {
		return n, errStopping
	}
	return n, err
}

// arm sets the deadline of one read, unless the session has to stop instead.
// Doing so under mu means that askToStop is never overtaken.
func (c *conn) arm() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping && !c.inMessage {
		return errStopping
	}
	due := c.due
	if c.inMessage {
		due = earlier(due, c.server.Now().Add(c.limits.Idle))
	}
	return c.raw.SetReadDeadline(due)
}

func (c *conn) mustStop() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopping && !c.inMessage
}

// expectCommand gives the peer Idle for the whole of the next command line,
// however many pieces it comes in, but no longer than the session lasts.
func (c *conn) expectCommand() {
	c.setDue(false, earlier(c.server.Now().Add(c.limits.Idle), c.ends))
}

// enterMessage starts the time of a message and keeps Shutdown waiting.
func (c *conn) enterMessage() {
	c.setDue(true, c.server.Now().Add(c.limits.Message))
}

// leaveMessage is called once the answer is queued.
func (c *conn) leaveMessage() { c.setDue(false, time.Time{}) }

func (c *conn) setDue(inMessage bool, due time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inMessage, c.due = inMessage, due
}

// askToStop wakes a session that waits between messages.
func (c *conn) askToStop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = true
	if !c.inMessage {
		c.raw.SetReadDeadline(time.Unix(1, 0))
	}
}

// sever cuts the connection off whatever it is doing.
func (c *conn) sever() { c.raw.Close() }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
