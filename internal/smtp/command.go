package smtp

import (
	"bytes"
	"errors"
	"strings"
)

// command is one line: its verb, the method that answers it, and the argument
// as it came.
type command struct {
	verb   string
	answer handler
	arg    string
}

// handler answers one command. An error ends the session: errQuit, a hangUp,
// or what befell the connection.
type handler func(c *conn, arg string) error

// nextCommand waits for the peer's next command.
func (c *conn) nextCommand() (command, error) {
	if held := c.held; held != nil {
		c.held = nil
		return *held, nil
	}
	c.expectCommand()
	return c.readCommand()
}

// readCommand answers lines that are too long and returns the first that is
// not.
func (c *conn) readCommand() (command, error) {
	for {
		c.in.resize(smallBuffer)
		if len(c.out) >= flushAt {
			if err := c.flush(); err != nil {
				return command{}, err
			}
		}
		line, err := c.in.line(c.limits.Line)
		if err == nil {
			return splitCommand(line), nil
		}
		if !errors.Is(err, errLineTooLong) {
			return command{}, err
		}
		if err := c.skipLongLine(); err != nil {
			return command{}, err
		}
		if err := c.checkCounts(); err != nil {
			return command{}, err
		}
	}
}

// skipLongLine finds the next command behind a line over the limit (RFC 5321
// 4.5.3.1.9), and hangs up on one that never ends.
func (c *conn) skipLongLine() error {
	reply := Reply{500, "5.5.2", "Command line too long"}
	err := c.in.skipLine()
	if errors.Is(err, errLineTooLong) {
		return hangUp{reply}
	}
	if err != nil {
		return err
	}
	c.fault(reply)
	return nil
}

// splitCommand takes a line apart. Verbs are taken in any case (RFC 5321 2.4)
// and with white space around.
func splitCommand(line []byte) command {
	line = bytes.Trim(line, " \t")
	end := bytes.IndexAny(line, " \t")
	if end < 0 {
		end = len(line)
	}
	const longest = len("STARTTLS")
	if end > longest {
		return command{"", (*conn).unknown, ""}
	}
	var upper [longest]byte
	for i, b := range line[:end] {
		if 'a' <= b && b <= 'z' {
			b -= 'a' - 'A'
		}
		upper[i] = b
	}
	cmd := lookup(upper[:end])
	cmd.arg = string(bytes.TrimLeft(line[end:], " \t"))
	return cmd
}

func lookup(verb []byte) command {
	switch string(verb) {
	case "EHLO":
		return command{verb: "EHLO", answer: (*conn).ehlo}
	case "HELO":
		return command{verb: "HELO", answer: (*conn).helo}
	case "LHLO":
		return command{verb: "LHLO", answer: (*conn).lhlo}
	case "MAIL":
		return command{verb: "MAIL", answer: (*conn).mail}
	case "RCPT":
		return command{verb: "RCPT", answer: (*conn).rcpt}
	case "DATA":
		return command{verb: "DATA", answer: (*conn).data}
	case "BDAT":
		return command{verb: "BDAT", answer: (*conn).bdat}
	case "RSET":
		return command{verb: "RSET", answer: (*conn).rset}
	case "QUIT":
		return command{verb: "QUIT", answer: (*conn).quit}
	case "STARTTLS":
		return command{verb: "STARTTLS", answer: (*conn).startTLS}
	case "NOOP":
		return command{answer: (*conn).noop}
	case "VRFY":
		return command{answer: (*conn).vrfy}
	case "HELP":
		return command{answer: (*conn).help}
	case "AUTH", "EXPN", "ETRN", "TURN":
		return command{answer: (*conn).notImplemented}
	case "GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT":
		return command{answer: (*conn).foreign}
	}
	return command{answer: (*conn).unknown}
}

// fault answers a mistake of the peer and counts it.
func (c *conn) fault(r Reply) error {
	c.errors++
	c.reply(r)
	return nil
}

// outOfOrder answers a command in the wrong place (RFC 5321 4.1.4).
func (c *conn) outOfOrder(text string) error { return c.fault(Reply{503, "5.5.1", text}) }

func (c *conn) unknown(string) error {
	return c.fault(Reply{500, "5.5.2", "Command not recognized"})
}

func (c *conn) notImplemented(string) error {
	return c.fault(Reply{502, "5.5.1", "Command not implemented"})
}

// foreign hangs up on a web browser at once: a page can make it send commands
// in the body of a POST to any port of a private network.
func (c *conn) foreign(string) error {
	return hangUp{Reply{421, "4.7.0", c.server.Hostname + " This is not a web server"}}
}

func (c *conn) noop(string) error {
	c.chatter++
	c.reply(Reply{250, "2.0.0", "Ok"})
	return nil
}

// vrfy neither confirms nor denies (RFC 5321 3.5.3, 7.3).
func (c *conn) vrfy(string) error {
	c.chatter++
	c.reply(Reply{252, "2.5.0", "Cannot verify, but will take mail"})
	return nil
}

func (c *conn) help(string) error {
	c.chatter++
	c.reply(Reply{214, "2.0.0", "Commands: " + strings.Join(c.verbs(), " ")})
	return nil
}

func (c *conn) verbs() []string {
	hello := []string{"EHLO", "HELO"}
	if c.lmtp {
		hello = []string{"LHLO"}
	}
	return append(hello, "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "VRFY", "HELP", "STARTTLS", "QUIT")
}

func (c *conn) quit(string) error {
	c.reply(Reply{221, "2.0.0", c.server.Hostname + " Bye"})
	return errQuit
}
