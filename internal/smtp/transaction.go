package smtp

import (
	"strings"

	"mailarchive/internal/mail"
)

// transaction is what the server itself must know of the message in the
// making (RFC 5321 3.3).
type transaction struct {
	open       bool   // MAIL was accepted
	binary     bool   // BODY=BINARYMIME
	recipients int    // accepted
	bytes      int    // of their command lines
	chunked    bool   // the first BDAT was accepted
	failed     *Reply // the answer to whatever BDAT comes behind one that failed
}

func (c *conn) resetTransaction() {
	c.tx = transaction{}
	c.session.Reset()
}

// mail answers MAIL FROM (RFC 5321 4.1.1.2).
func (c *conn) mail(arg string) error {
	if c.hello.Verb == "" {
		return c.outOfOrder("Introduce yourself first")
	}
	if c.tx.open {
		return c.outOfOrder("There is a sender already") // RFC 5321 4.1.4
	}
	path, ok := cutKeyword(arg, "FROM")
	if !ok {
		return c.fault(Reply{501, "5.5.4", "Syntax: MAIL FROM:<address>"})
	}
	from, params, err := ParsePath(path)
	if err != nil {
		return c.fault(badPath(err, "5.1.7", "sender"))
	}
	known, err := readMailParams(params)
	if err != nil {
		return c.fault(Reply{501, "5.5.4", "Bad parameter: " + err.Error()})
	}
	if known.size > c.maxSize {
		c.reply(tooLarge) // RFC 1870 6.1
		return nil
	}
	if err := c.session.Mail(c.server.force, from, params); err != nil {
		c.session.Reset()
		c.reply(ReplyTo(err))
		return nil
	}
	c.tx = transaction{open: true, binary: known.binary}
	c.reply(Reply{250, "2.1.0", "Sender ok"})
	return nil
}

// rcpt answers RCPT TO (RFC 5321 4.1.1.3).
func (c *conn) rcpt(arg string) error {
	if !c.tx.open {
		return c.outOfOrder("MAIL comes first")
	}
	if c.tx.chunked {
		return c.outOfOrder("The message has begun") // RFC 3030 2
	}
	path, ok := cutKeyword(arg, "TO")
	if !ok {
		return c.fault(Reply{501, "5.5.4", "Syntax: RCPT TO:<address>"})
	}
	to, params, err := ParsePath(path)
	if err == nil && to == "" {
		err = errNoPath // the null path is a sender only (RFC 5321 4.1.1.3)
	}
	if err != nil {
		return c.fault(badPath(err, "5.1.3", "recipient"))
	}
	if c.tx.recipients >= c.limits.Recipients || c.tx.bytes+len(arg) > c.limits.Envelope {
		c.reply(Reply{452, "4.5.3", "Too many recipients, send the others with a message of their own"}) // RFC 5321 4.5.3.1.10
		return nil
	}
	if err := c.session.Rcpt(c.server.force, mail.Recipient{Address: to, Params: params}); err != nil {
		c.reply(ReplyTo(err))
		return nil
	}
	c.tx.recipients++
	c.tx.bytes += len(arg)
	c.reply(Reply{250, "2.1.5", "Recipient ok"})
	return nil
}

func badPath(err error, status, who string) Reply {
	if err == errKeyword {
		status = "5.5.4"
	}
	return Reply{501, status, "Bad " + who + ": " + err.Error()}
}

// cutKeyword takes "FROM:" or "TO:" off, in any case and with white space
// before the colon.
func cutKeyword(arg, keyword string) (rest string, ok bool) {
	if len(arg) < len(keyword) || !strings.EqualFold(arg[:len(keyword)], keyword) {
		return "", false
	}
	return strings.CutPrefix(strings.TrimLeft(arg[len(keyword):], " \t"), ":")
}

// rset answers RSET (RFC 5321 4.1.1.5).
func (c *conn) rset(string) error {
	c.chatter++
	c.resetTransaction()
	c.reply(Reply{250, "2.0.0", "Ok"})
	return nil
}
