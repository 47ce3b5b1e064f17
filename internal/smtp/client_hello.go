package smtp

import (
	"fmt"
	"strconv"
	"strings"

	"mailarchive/internal/mail"
)

// Hello introduces us and learns what the server offers. Dial has called it;
// it is needed again only after XCLIENT. An error wraps the server's [Reply]
// when it refused.
func (c *Client) Hello() error {
	verb := "EHLO"
	if c.dialer.LMTP {
		verb = "LHLO" // RFC 2033 4.1
	}
	c.offers, c.accepted = nil, 0
	reply, err := c.Command(verb + " " + c.dialer.Name)
	if err == nil && unknownCommand(reply) && !c.dialer.LMTP { // RFC 5321 3.2
		verb = "HELO"
		reply, err = c.Command(verb + " " + c.dialer.Name)
	}
	if err == nil && !reply.Positive() {
		err = reply
	}
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	if verb != "HELO" {
		c.offers = readOffers(reply)
	}
	return nil
}

// unknownCommand reports whether a reply to EHLO says that the server is of
// the days before it (RFC 5321 4.2.4, 4.3.2).
func unknownCommand(r Reply) bool {
	return r.Code == 500 || r.Code == 501 || r.Code == 502 || r.Code == 504
}

// readOffers reads the lines behind the first (RFC 5321 4.1.1.1). The old form
// "AUTH=LOGIN" counts as AUTH.
func readOffers(hello Reply) map[string]string {
	offers := map[string]string{}
	_, lines, _ := strings.Cut(hello.Text, "\n")
	for line := range strings.SplitSeq(lines, "\n") {
		keyword, params, _ := strings.Cut(strings.TrimSpace(line), " ")
		if rest, old := strings.CutPrefix(strings.ToUpper(keyword), "AUTH="); old {
			keyword, params = "AUTH", rest+" "+params
		}
		if keyword = strings.ToUpper(keyword); keyword != "" {
			offers[keyword] = strings.TrimSpace(offers[keyword] + " " + params)
		}
	}
	return offers
}

// Offers reports whether the server offers an extension, named by its EHLO
// keyword in upper case, and the parameters that stand behind it.
func (c *Client) Offers(keyword string) (params string, offered bool) {
	params, offered = c.offers[keyword]
	return params, offered
}

// MaxSize is the size in bytes that the server takes (RFC 1870 4); 0 when it
// does not say.
func (c *Client) MaxSize() int64 {
	params, _ := c.Offers("SIZE")
	n, err := strconv.ParseInt(params, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// pipelined is how many bytes of commands are sent before their replies are
// read: little enough for both sides' buffers, so that neither waits for the
// other for ever (RFC 2920 3.1).
const pipelined = 2 << 10

// Envelope is Mail, and if that is accepted Rcpt for each recipient, in as few
// round trips as the server allows (RFC 2920). Each reply stands where its
// recipient does; recipients is nil when the sender was refused. On an error
// recipients has the replies that were read.
func (c *Client) Envelope(from mail.Address, params []string, to []mail.Recipient) (sender Reply, recipients []Reply, err error) {
	lines := make([]string, len(to))
	for i, r := range to {
		if lines[i], err = pathCommand("RCPT TO:", r.Address, r.Params); err != nil {
			return Reply{}, nil, err
		}
	}
	if sender, err = c.Mail(from, params...); err != nil || !sender.Positive() {
		return sender, nil, err
	}
	for len(lines) > 0 {
		n := c.group(lines)
		if err := c.send(lines[:n]...); err != nil {
			return sender, recipients, err
		}
		for range n {
			reply, err := c.answer(c.dialer.Timeouts.Command)
			if err != nil {
				return sender, recipients, err
			}
			c.countRecipient(reply)
			recipients = append(recipients, reply)
		}
		lines = lines[n:]
	}
	return sender, recipients, nil
}

// group returns how many lines may go at once.
func (c *Client) group(lines []string) int {
	if _, ok := c.Offers("PIPELINING"); !ok {
		return 1
	}
	size := 0
	for i, line := range lines {
		if size += len(line); size > pipelined {
			return max(i, 1)
		}
	}
	return len(lines)
}
