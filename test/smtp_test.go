package test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// client is a plain SMTP or LMTP client that sends the bytes it is told to.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(address string) (*client, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(60 * time.Second))
	c := &client{conn, bufio.NewReader(conn)}
	if _, err := c.reply(); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// reply reads one reply, which may have several lines.
func (c *client) reply() (string, error) {
	var all strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return all.String(), err
		}
		all.WriteString(line)
		if len(line) < 4 || line[3] != '-' {
			return all.String(), nil
		}
	}
}

// ask sends a line and returns the reply.
func (c *client) ask(line string) (string, error) {
	if _, err := fmt.Fprintf(c.conn, "%s\r\n", line); err != nil {
		return "", err
	}
	return c.reply()
}

// send hands one message in and returns the reply to its last dot. The content
// must end in CRLF and is dot-stuffed here.
func (c *client) send(from string, to []string, content []byte) (string, error) {
	lines := []string{"MAIL FROM:<" + from + ">"}
	for _, r := range to {
		lines = append(lines, "RCPT TO:<"+r+">")
	}
	for _, line := range append(lines, "DATA") {
		if reply, err := c.ask(line); err != nil || reply[0] > '3' {
			return reply, err
		}
	}
	if _, err := c.conn.Write(stuffed(content)); err != nil {
		return "", err
	}
	return c.reply()
}

// stuffed returns content as DATA has it (RFC 5321 4.5.2), its end included.
func stuffed(content []byte) []byte {
	out := make([]byte, 0, len(content)+len(content)/64+5)
	start := true
	for i, b := range content {
		if start && b == '.' {
			out = append(out, '.')
		}
		out = append(out, b)
		start = b == '\n' && i > 0 && content[i-1] == '\r'
	}
	return append(out, ".\r\n"...)
}

// greeted dials and says EHLO.
func greeted(t *testing.T, address string) *client {
	t.Helper()
	c, err := dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.conn.Close() })
	if reply, err := c.ask("EHLO test.example"); err != nil || reply[0] != '2' {
		t.Fatalf("EHLO: %q %v", reply, err)
	}
	return c
}

// hand gives the archive one message by SMTP.
func (s *server) hand(from string, to []string, content []byte) {
	s.t.Helper()
	c, err := dial(s.smtp)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.conn.Close()
	if _, err := c.ask("EHLO test.local.example"); err != nil {
		s.t.Fatal(err)
	}
	if reply, err := c.send(from, to, content); err != nil || !strings.HasPrefix(reply, "250") {
		s.t.Fatalf("handed in: %q, %v", reply, err)
	}
}
