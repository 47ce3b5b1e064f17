package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"

	"mailarchive/sample"
)

const (
	dialTimeout = 10 * time.Second
	// allTime bounds the whole run: 200 messages take a second or two.
	allTime = 5 * time.Minute
	// step is how many messages go between two lines of progress.
	step = 50
)

// client speaks SMTP (RFC 5321) over one connection and knows what the server
// offered.
type client struct {
	text *textproto.Conn
	has  map[string]bool
}

// deliver sends all messages over one connection and goes on after a refusal.
// The error joins all refusals; nil means that the server took responsibility
// for every message (RFC 5321 4.2.5).
func deliver(address string, messages []sample.Message, progress io.Writer) error {
	conn, err := net.DialTimeout("tcp", address, dialTimeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(allTime)); err != nil {
		return err
	}
	c := client{text: textproto.NewConn(conn), has: map[string]bool{}}
	if err := c.hello(); err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	var refused []error
	for i, m := range messages {
		if err := c.send(m); err != nil {
			refused = append(refused, fmt.Errorf("%s: %w", m.Key, err))
			if !isReply(err) {
				return errors.Join(refused...)
			}
		}
		if n := i + 1; n%step == 0 && n < len(messages) {
			fmt.Fprintf(progress, "%d of %d\n", n, len(messages))
		}
	}
	_, _ = c.cmd(221, "QUIT") // the last message is safe already
	return errors.Join(refused...)
}

// hello reads the greeting and learns the extensions (RFC 5321 4.1.1.1).
func (c *client) hello() error {
	if _, _, err := c.text.ReadResponse(220); err != nil {
		return err
	}
	offered, err := c.cmd(250, "EHLO mx1.nordwind.example")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(offered, "\n") {
		keyword, _, _ := strings.Cut(line, " ")
		c.has[strings.ToUpper(keyword)] = true
	}
	return nil
}

// send is one transaction. After a refusal it is reset.
func (c *client) send(m sample.Message) error {
	err := c.transaction(m)
	if isReply(err) {
		if _, rerr := c.cmd(250, "RSET"); rerr != nil {
			return errors.Join(err, rerr)
		}
	}
	return err
}

func (c *client) transaction(m sample.Message) error {
	params, err := c.params(m)
	if err != nil {
		return err
	}
	if _, err := c.cmd(250, "MAIL FROM:<"+m.From+">"+params); err != nil {
		return err
	}
	for _, to := range m.To {
		if _, err := c.cmd(25, "RCPT TO:<"+to+">"); err != nil {
			return err
		}
	}
	if _, err := c.cmd(354, "DATA"); err != nil {
		return err
	}
	if _, err := c.text.W.Write(stuffed(m.Data)); err != nil {
		return err
	}
	_, err = c.cmd(250, ".")
	return err
}

// params are those that the server offered and the message needs
// (RFC 1870, RFC 6152, RFC 6531).
func (c *client) params(m sample.Message) (string, error) {
	var params string
	if c.has["SIZE"] {
		params += fmt.Sprintf(" SIZE=%d", len(m.Data))
	}
	if c.has["8BITMIME"] && bytes.ContainsFunc(m.Data, func(r rune) bool { return r >= 0x80 }) {
		params += " BODY=8BITMIME"
	}
	if m.UTF8 {
		if !c.has["SMTPUTF8"] {
			return "", &textproto.Error{Code: 553, Msg: "the server does not offer SMTPUTF8"}
		}
		params += " SMTPUTF8"
	}
	return params, nil
}

// stuffed doubles dots at line starts (RFC 5321 4.5.2).
func stuffed(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\r\n."), []byte("\r\n.."))
	if bytes.HasPrefix(data, []byte(".")) {
		data = append([]byte("."), data...)
	}
	return data
}

// cmd sends a line and reads the reply, which must begin with the digits of
// want.
func (c *client) cmd(want int, line string) (string, error) {
	if err := c.text.PrintfLine("%s", line); err != nil {
		return "", err
	}
	_, message, err := c.text.ReadResponse(want)
	return message, err
}

// isReply tells a refusal by the server from a broken connection.
func isReply(err error) bool {
	var reply *textproto.Error
	return errors.As(err, &reply)
}
