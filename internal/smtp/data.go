package smtp

// data answers DATA (RFC 5321 4.1.1.4).
func (c *conn) data(string) error {
	switch {
	case c.tx.recipients == 0: // RFC 5321 3.3, RFC 2033 4.2
		return c.outOfOrder("No recipients yet")
	case c.tx.chunked:
		return c.outOfOrder("The message came by BDAT") // RFC 3030 2
	case c.tx.binary:
		return c.outOfOrder("BINARYMIME needs BDAT") // RFC 3030 3
	}
	c.reply(Reply{354, "", "End with <CRLF>.<CRLF>"})
	if err := c.flush(); err != nil {
		return err // the session may not read at once, the peer waits for this
	}
	c.in.resize(largeBuffer)
	c.dots.reset(&c.in)
	c.body.reset(&c.dots, c.maxSize)
	c.enterMessage()
	answers := c.session.Data(c.server.force, &c.body)
	if err := c.finishData(answers); err != nil {
		return err
	}
	c.leaveMessage()
	return nil
}

func (c *conn) finishData(answers []Reply) error {
	if err := c.body.broken(); err != nil {
		return err
	}
	if !c.body.complete() {
		err := c.body.drain(c.limits.Drain)
		if err == errDrained {
			return c.hangUpOn(c.verdict(answers, 0))
		}
		if err != nil {
			return err
		}
	}
	c.answer(answers)
	return nil
}

// answer replies to the end of a message: in LMTP once for each recipient
// (RFC 2033 4.2).
func (c *conn) answer(answers []Reply) {
	for i := range c.answersDue() {
		verdict := c.verdict(answers, i)
		if verdict.Positive() {
			c.errors, c.chatter = 0, 0
		}
		c.reply(verdict)
	}
	c.resetTransaction()
}

// answersDue is at least one: a chunk that nobody wants may come when there
// are no recipients.
func (c *conn) answersDue() int {
	if c.lmtp {
		return max(c.tx.recipients, 1)
	}
	return 1
}

// hangUpOn gives every answer that is due and closes: the rest of the message
// is too long to be read.
func (c *conn) hangUpOn(verdict Reply) error {
	for range c.answersDue() - 1 {
		c.reply(verdict)
	}
	return hangUp{verdict}
}

// verdict is the answer for recipient i. A session's yes counts only if it
// saw the very end of the message.
func (c *conn) verdict(answers []Reply, i int) Reply {
	if c.body.oversized() {
		return tooLarge
	}
	var verdict Reply
	switch {
	case len(answers) == 1:
		verdict = answers[0]
	case c.lmtp && len(answers) == c.tx.recipients:
		verdict = answers[i]
	default:
		return ReplyTo(nil)
	}
	if verdict.Positive() && !c.body.complete() {
		return ReplyTo(nil)
	}
	return verdict
}
