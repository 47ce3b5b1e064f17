package redeliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
	"mailarchive/internal/smtp"
)

var two = []mail.Address{"bob@example.org", "eve@example.org"}

// rest lets time go by in the bubble; pass also waits until all is done.
func rest(d time.Duration) { <-time.After(d) }

func pass(d time.Duration) {
	rest(d)
	synctest.Wait()
}

// story runs a test with its own time, a peer and a sender of one message.
func story(t *testing.T, prepare func(*peer), tell func(t *testing.T, s *sender, p *peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(t)
		if prepare != nil {
			prepare(p)
		}
		s := newSender(t, newDisk(), p, shelfWith(id(1), plain), &ledger{})
		s.start()
		tell(t, s, p)
		s.stop()
	})
}

func TestSent(t *testing.T) {
	story(t, nil, func(t *testing.T, s *sender, p *peer) {
		began := time.Now()
		entry := s.add(two, id(1))[0]
		synctest.Wait()
		e := s.show(entry)
		for _, r := range e.Recipients {
			if r.State != Sent || r.Attempts != 1 || r.Answer != "250 2.0.0 Taken" || !r.At.Equal(began) {
				t.Errorf("%+v", r)
			}
		}
		want, _ := mailFor(t, &e, plain, true)
		if diff := cmp.Diff([][]string{{fmt.Sprintf("SIZE=%d", want.size())}}, p.params); diff != "" {
			t.Error(diff)
		}
		for _, a := range two {
			if p.got[a] != 1 || !strings.HasSuffix(p.last[a], "\r\n"+plain) || int64(len(p.last[a])) != want.written {
				t.Errorf("%s got %d: %q", a, p.got[a], p.last[a])
			}
		}
		if diff := cmp.Diff([]string{"root redeliver 00000000000000000000000001 [bob@example.org eve@example.org]"}, s.audit.orders); diff != "" {
			t.Error(diff)
		}
		if got := s.Queue.Stats(); got != (Stats{Enqueued: 1, Attempts: 1, SentTo: 2, Entries: 1}) {
			t.Errorf("%+v", got)
		}
	})
}

// TestSomeRefuse: each recipient has its own fate, and its own time.
func TestSomeRefuse(t *testing.T) {
	story(t, func(p *peer) {
		p.rcpt = func(n int, to mail.Address) error {
			switch {
			case to == "never@example.org":
				return smtp.Reply{Code: 550, Status: "5.1.1", Text: "No such user"}
			case to == "later@example.org" && n < 4:
				return smtp.Reply{Code: 450, Status: "4.2.0", Text: "Busy"}
			}
			return nil
		}
	}, func(t *testing.T, s *sender, p *peer) {
		began := time.Now()
		entry := s.add([]mail.Address{"bob@example.org", "never@example.org", "later@example.org"}, id(1))[0]
		synctest.Wait()
		if got, want := s.states(entry), []State{Sent, Refused, Waiting}; !slices.Equal(got, want) {
			t.Errorf("at first %v, want %v", got, want)
		}
		pass(time.Hour)
		e := s.show(entry)
		if got, want := s.states(entry), []State{Sent, Refused, Sent}; !slices.Equal(got, want) {
			t.Errorf("in the end %v, want %v", got, want)
		}
		if got := e.Recipients[1].Answer; got != "550 5.1.1 No such user" {
			t.Errorf("answer %q", got)
		}
		if got := e.Recipients[2].At.Sub(began); got != 7*time.Minute { // 1 + 2 + 4
			t.Errorf("sent after %v, want 7 minutes", got)
		}
		if diff := cmp.Diff(map[mail.Address]int{"bob@example.org": 1, "never@example.org": 1, "later@example.org": 4}, p.asked); diff != "" {
			t.Error(diff)
		}
		if !strings.Contains(p.last["later@example.org"], "Resent-To: bob@example.org,\r\n never@example.org,\r\n later@example.org\r\n") {
			t.Errorf("the mail is not the same for all: %q", p.last["later@example.org"])
		}
	})
}

// TestGivesUp: after three days, with the pauses growing to an hour.
func TestGivesUp(t *testing.T) {
	story(t, func(p *peer) {
		p.data = func(int, []mail.Address) []smtp.Reply {
			return []smtp.Reply{{Code: 452, Status: "4.3.1", Text: "Full"}}
		}
	}, func(t *testing.T, s *sender, p *peer) {
		began := time.Now()
		entry := s.add(two, id(1))[0]
		pass(71 * time.Hour)
		if got := s.states(entry); got[0] != Waiting {
			t.Errorf("given up early: %v", got)
		}
		pass(3 * time.Hour)
		e := s.show(entry)
		ended, done := e.Finished()
		if took := ended.Sub(began); !done || e.Count(Expired) != 2 || took < 72*time.Hour || took > 73*time.Hour {
			t.Errorf("after %v: %+v", took, e)
		}
		if e.Attempts < 75 || e.Attempts > 80 || e.Recipients[0].Answer != "452 4.3.1 Full" {
			t.Errorf("%d attempts, %q", e.Attempts, e.Recipients[0].Answer)
		}
		tried := p.sent
		if err := s.Queue.Retry(t.Context(), root, entry); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := s.states(entry); got[0] != Waiting || p.sent != tried+1 {
			t.Errorf("after Retry: %v, %d messages", got, p.sent-tried)
		}
	})
}

// TestCancel stops what waits, and leaves what an attempt brought.
func TestCancel(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	story(t, func(p *peer) {
		p.rcpt = func(n int, to mail.Address) error {
			if to == "later@example.org" {
				return smtp.Reply{Code: 450, Text: "Busy"}
			}
			return nil
		}
		p.data = func(int, []mail.Address) []smtp.Reply {
			entered <- true
			<-leave
			return []smtp.Reply{{Code: 250, Text: "Taken"}}
		}
	}, func(t *testing.T, s *sender, p *peer) {
		entry := s.add([]mail.Address{"bob@example.org", "later@example.org"}, id(1))[0]
		<-entered
		if err := s.Queue.Cancel(t.Context(), root, entry); err != nil {
			t.Fatal(err)
		}
		leave <- true
		synctest.Wait()
		if got, want := s.states(entry), []State{Sent, Cancelled}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		other := s.add([]mail.Address{"later@example.org"}, id(1))[0]
		synctest.Wait()
		if err := s.Queue.Cancel(t.Context(), root, other); err != nil {
			t.Fatal(err)
		}
		if got := s.states(other); got[0] != Cancelled {
			t.Errorf("%v", got)
		}
		if err := s.Queue.Retry(t.Context(), root, other); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("cancelled, and tried again: %v", err)
		}
		if err := s.Queue.Cancel(t.Context(), root, EntryID{9}); !errors.Is(err, mail.ErrNotFound) {
			t.Errorf("another: %v", err)
		}
		if got := s.audit.orders[1]; got != "root redeliver cancel 00000000000000000000000001 [bob@example.org later@example.org]" {
			t.Errorf("audit: %s", got)
		}
	})
}

// TestLMTPAnswers: each recipient has its own answer behind the message.
func TestLMTPAnswers(t *testing.T) {
	story(t, func(p *peer) {
		p.lmtp = true
		p.data = func(n int, to []mail.Address) (answers []smtp.Reply) {
			for _, a := range to {
				switch {
				case a == "full@example.org" && n == 1:
					answers = append(answers, smtp.Reply{Code: 452, Status: "4.2.2", Text: "Over quota"})
				case a == "never@example.org":
					answers = append(answers, smtp.Reply{Code: 552, Status: "5.2.2", Text: "Over quota"})
				default:
					answers = append(answers, smtp.Reply{Code: 250, Status: "2.1.5", Text: "Stored"})
				}
			}
			return answers
		}
	}, func(t *testing.T, s *sender, p *peer) {
		entry := s.add([]mail.Address{"bob@example.org", "full@example.org", "never@example.org"}, id(1))[0]
		synctest.Wait()
		if got, want := s.states(entry), []State{Sent, Waiting, Refused}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		pass(time.Minute)
		if got, want := s.states(entry), []State{Sent, Sent, Refused}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if p.got["bob@example.org"] != 1 {
			t.Errorf("delivered %v", p.got)
		}
	})
}

// TestTooManyAtATime: the server takes the others with the next message, at
// once (RFC 5321 4.5.3.1.10).
func TestTooManyAtATime(t *testing.T) {
	story(t, func(p *peer) { p.serving.Limits.Recipients = 10 }, func(t *testing.T, s *sender, p *peer) {
		var to []mail.Address
		for i := range 45 {
			to = append(to, mail.Address(fmt.Sprintf("user%d@example.org", i)))
		}
		entry := s.add(to, id(1))[0]
		synctest.Wait()
		if e := s.show(entry); e.Count(Sent) != 45 || p.sent != 5 || len(p.times) != 1 {
			t.Errorf("%d sent in %d messages over %d connections", e.Count(Sent), p.sent, len(p.times))
		}
	})
}

// TestNotSent: what the server says it does not take is not offered.
func TestNotSent(t *testing.T) {
	for _, tt := range []struct {
		name    string
		offers  smtp.Extensions
		to      mail.Address
		content string
		state   State
		answer  string
	}{
		{"too large", smtp.Extensions{Size: true, MaxSize: 100}, "bob@example.org", plain, Refused, "not sent: "},
		{"UTF-8 address", smtp.Extensions{}, "用户@example.org", plain, Refused, "RFC 6531"},
		{"UTF-8 address, taken", smtp.Extensions{SMTPUTF8: true}, "用户@example.org", plain, Sent, "250"},
		{"8-bit goes as attachment", smtp.Extensions{}, "bob@example.org", plain + "\xff", Sent, "250"},
		{"sender refused", smtp.Extensions{}, "refused@example.org", plain, Refused, "550 5.7.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			story(t, func(p *peer) {
				p.offers = tt.offers
				if tt.name == "sender refused" {
					p.mail = func() error { return smtp.Reply{Code: 550, Status: "5.7.1", Text: "Not you"} }
				}
			}, func(t *testing.T, s *sender, p *peer) {
				s.Source.(*shelf).put(id(2), tt.content)
				entry := s.add([]mail.Address{tt.to}, id(2))[0]
				synctest.Wait()
				if r := s.show(entry).Recipients[0]; r.State != tt.state || !strings.Contains(r.Answer, tt.answer) {
					t.Errorf("%+v", r)
				}
				if tt.content != plain && !strings.Contains(p.last[tt.to], "message/rfc822") {
					t.Errorf("sent %q", p.last[tt.to])
				}
			})
		})
	}
}

func (c *cutConn) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.Conn.Write(p)
	}
	n, _ := c.Conn.Write(p[:c.left])
	c.left = 0
	c.Conn.Close()
	return n, errLine
}

func TestRunnerNeedsItsSettings(t *testing.T) {
	if err := new(Runner).Run(context.Background()); !errors.Is(err, mail.ErrBadInput) {
		t.Errorf("%v", err)
	}
}

// TestPause doubles, and varies by a fifth.
func TestPause(t *testing.T) {
	r := &Runner{First: time.Minute, Longest: time.Hour}
	for n, want := range map[int]time.Duration{1: time.Minute, 2: 2 * time.Minute, 6: 32 * time.Minute, 7: time.Hour, 100: time.Hour} {
		for _, chance := range []float64{0, 0.5, 0.999} {
			r.Rand = func() float64 { return chance }
			got := r.pause(n)
			if low, high := want*79/100, want*121/100; got < low || got > high || chance == 0.5 && got != want {
				t.Errorf("after %d with chance %v: %v, want about %v", n, chance, got, want)
			}
		}
	}
}
