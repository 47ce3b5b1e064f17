package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailarchive/internal/durable"
	"mailarchive/sample"
)

// taken is one transaction that the stand-in server said yes to.
type taken struct {
	from string // argument of MAIL, parameters included
	to   []string
	data []byte
}

// server is a stand-in that takes one connection. It refuses the recipient
// named by refuse, and hangs up on the sender named by hangUp.
type server struct {
	offers         []string
	refuse, hangUp string
	got            []taken
	done           chan error
}

func (s *server) start(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.done = make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			defer conn.Close()
			err = s.talk(textproto.NewConn(conn))
		}
		s.done <- err
	}()
	return l.Addr().String()
}

func (s *server) talk(c *textproto.Conn) error {
	if err := c.PrintfLine("220 stand-in"); err != nil {
		return err
	}
	var now taken
	for {
		line, err := c.ReadLine()
		if err != nil {
			return err
		}
		verb, argument, _ := strings.Cut(line, " ")
		reply := "250 ok"
		switch verb {
		case "EHLO":
			reply = strings.Join(append([]string{"250-stand-in"}, s.offers...), "\r\n250-") + "\r\n250 HELP"
		case "MAIL":
			now = taken{from: strings.TrimPrefix(argument, "FROM:")}
			if s.hangUp != "" && strings.Contains(argument, s.hangUp) {
				return nil
			}
		case "RCPT":
			to := strings.Trim(strings.TrimPrefix(argument, "TO:"), "<>")
			if to == s.refuse {
				reply = "550 5.1.1 nobody of that name"
			}
			now.to = append(now.to, to)
		case "DATA":
			if err := c.PrintfLine("354 go on"); err != nil {
				return err
			}
			if now.data, err = unstuffed(c.R); err != nil {
				return err
			}
			s.got = append(s.got, now)
		case "QUIT":
			return c.PrintfLine("221 bye")
		}
		if err := c.PrintfLine("%s", reply); err != nil {
			return err
		}
	}
}

// unstuffed reads exact bytes up to the final dot (RFC 5321 4.5.2).
func unstuffed(r *bufio.Reader) ([]byte, error) {
	var data []byte
	for {
		line, err := r.ReadBytes('\n')
		if err != nil || string(line) == ".\r\n" {
			return data, err
		}
		data = append(data, bytes.TrimPrefix(line, []byte("."))...)
	}
}

func allOffers() []string { return []string{"SIZE 10000000", "8BITMIME", "SMTPUTF8"} }

func TestSendsAllMessagesExactly(t *testing.T) {
	s := server{offers: allOffers()}
	var out, errs bytes.Buffer
	if code := run([]string{"--to", s.start(t)}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	if err := <-s.done; err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "200 messages sent\n") || !strings.Contains(out.String(), "150 of 200\n") {
		t.Errorf("output %q", &out)
	}
	messages := sample.Messages()
	if len(s.got) != len(messages) {
		t.Fatalf("%d messages arrived, want %d", len(s.got), len(messages))
	}
	for i, m := range messages {
		got := s.got[i]
		if !bytes.Equal(got.data, m.Data) || !slices.Equal(got.to, m.To) || !strings.HasPrefix(got.from, "<"+m.From+"> SIZE=") {
			t.Errorf("%s: arrived from %s to %v with %d bytes, sent from %s to %v with %d", m.Key, got.from, got.to, len(got.data), m.From, m.To, len(m.Data))
		}
		if m.UTF8 != strings.Contains(got.from, " SMTPUTF8") {
			t.Errorf("%s: SMTPUTF8 in %q, want %v", m.Key, got.from, m.UTF8)
		}
	}
}

func TestRefusalsFailButTheRestIsSent(t *testing.T) {
	for _, c := range []struct {
		name    string
		server  server
		arrived int
		says    string
	}{
		{"recipient", server{offers: allOffers(), refuse: "v.rahn@ostsee-marine.example"}, 198, "leak-02: 550"},
		{"no SMTPUTF8", server{offers: []string{"8BITMIME"}}, 199, "welt-06: 553"},
		{"no 8BITMIME", server{offers: []string{"SMTPUTF8"}}, 200, ""},
	} {
		var out, errs bytes.Buffer
		code := run([]string{"--to", c.server.start(t)}, &out, &errs)
		if err := <-c.server.done; err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if (code == 0) != (c.says == "") || !strings.Contains(errs.String(), c.says) || len(c.server.got) != c.arrived {
			t.Errorf("%s: exit code %d, %d arrived, errors %q; want %d and %q", c.name, code, len(c.server.got), &errs, c.arrived, c.says)
		}
	}
}

func TestBrokenConnectionEndsTheRun(t *testing.T) {
	s := server{offers: allOffers(), hangUp: "monitor@ops.nordwind.example"}
	var out, errs bytes.Buffer
	if code := run([]string{"--to", s.start(t)}, &out, &errs); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if err := <-s.done; err != nil {
		t.Error(err)
	}
	if n := strings.Count(errs.String(), "\n"); n != 1 || !strings.Contains(errs.String(), "mon-01:") {
		t.Errorf("errors %q, want one about mon-01", &errs)
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	var out, errs bytes.Buffer
	if code := run([]string{"--to", l.Addr().String()}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "refused") {
		t.Errorf("exit code %d, errors %q", code, &errs)
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{{}, {"--to", "a:1", "--write", "b"}, {"--to", "a:1", "more"}, {"--what"}} {
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%q: exit code %d, errors %q; want 2 and a word", args, code, &errs)
		}
	}
}

func TestWritesFilesAndEnvelopes(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "mail")
	if err := write(durable.OS{}, folder, sample.Messages()); err != nil {
		t.Fatal(err)
	}
	lines, err := os.Open(filepath.Join(folder, "envelopes.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer lines.Close()
	dec := json.NewDecoder(lines)
	for _, m := range sample.Messages() {
		var e envelope
		if err := dec.Decode(&e); err != nil {
			t.Fatalf("%s: %v", m.Key, err)
		}
		data, err := os.ReadFile(filepath.Join(folder, e.File))
		if err != nil || !bytes.Equal(data, m.Data) || e.From != m.From || !slices.Equal(e.To, m.To) {
			t.Errorf("%s: %s holds %d bytes from %s to %v, error %v", m.Key, e.File, len(data), e.From, e.To, err)
		}
	}
	if dec.More() {
		t.Error("more envelopes than messages")
	}
}

func TestWriteReportsAFolderInTheWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run([]string{"--write", file}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "in the way") {
		t.Errorf("exit code %d, errors %q", code, &errs)
	}
}

func TestStuffed(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\n":               "a\r\n",
		".\r\n":               "..\r\n",
		"a\r\n.\r\n..b\r\n":   "a\r\n..\r\n...b\r\n",
		"\r\n.":               "\r\n..",
		"a.b\r\n":             "a.b\r\n",
		".a\r\n.b\r\nc\r\n.d": "..a\r\n..b\r\nc\r\n..d",
	} {
		if got := string(stuffed([]byte(in))); got != want {
			t.Errorf("stuffed(%q): got %q, want %q", in, got, want)
		}
	}
}
