package redeliver

import (
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mailarchive/internal/mail"
	"mailarchive/internal/smtp"
)

// TestRelayDown: nothing is lost, and the others do not run against the wall
// one by one.
func TestRelayDown(t *testing.T) {
	var up time.Time
	story(t, func(p *peer) {
		up = time.Now().Add(2 * time.Hour)
		p.wrap = func(_ int, nc net.Conn) (net.Conn, error) {
			if time.Now().Before(up) {
				nc.Close()
				return nil, errLine
			}
			return nc, nil
		}
	}, func(t *testing.T, s *sender, p *peer) {
		for n := range byte(100) {
			s.Source.(*shelf).put(id(n+2), plain)
			s.add(two, id(n+2))
		}
		pass(2*time.Hour - time.Second)
		down := len(p.times)
		if down < 10 || down > 80 {
			t.Errorf("%d connections in two hours", down)
		}
		if got := s.Queue.Stats(); got.WaitingEntries != 100 || got.RelayFailures != uint64(down) {
			t.Errorf("%+v", got)
		}
		pass(2 * time.Hour)
		if got := s.Queue.Stats(); got.Waiting != 0 || p.got["bob@example.org"] != 100 || p.got["eve@example.org"] != 100 {
			t.Errorf("%+v, delivered %v", got, p.got)
		}
		if connections := len(p.times) - down; connections > 30 {
			t.Errorf("%d connections for 100 messages", connections)
		}
	})
}

// TestHurry: Retry tries at once, though the relay was left alone.
func TestHurry(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	story(t, func(p *peer) {
		p.wrap = func(_ int, nc net.Conn) (net.Conn, error) {
			if down.Load() {
				nc.Close()
				return nil, errLine
			}
			return nc, nil
		}
	}, func(t *testing.T, s *sender, p *peer) {
		entry := s.add(two, id(1))[0]
		synctest.Wait()
		if e := s.show(entry); !strings.Contains(e.Trouble, errLine.Error()) {
			t.Errorf("trouble is %q", e.Trouble)
		}
		down.Store(false)
		if err := s.Queue.Retry(t.Context(), root, entry); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if e := s.show(entry); e.Count(Sent) != 2 || e.Trouble != "" {
			t.Errorf("%+v", e)
		}
		if err := s.Queue.Retry(t.Context(), root, entry); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("again: %v", err)
		}
	})
}

// cutConn breaks after so many bytes were written.
type cutConn struct {
	net.Conn
	left int
}

// TestLineBreaksAnywhere cuts the first connection at each byte that we send:
// everybody gets the mail, once.
func TestLineBreaksAnywhere(t *testing.T) {
	for cut, cutOff := 0, true; cutOff; cut++ {
		story(t, func(p *peer) {
			p.wrap = func(n int, nc net.Conn) (net.Conn, error) {
				if n == 1 {
					return &cutConn{nc, cut}, nil
				}
				return nc, nil
			}
		}, func(t *testing.T, s *sender, p *peer) {
			entry := s.add(two, id(1))[0]
			pass(time.Hour)
			if e := s.show(entry); e.Count(Sent) != 2 || p.got[two[0]] != 1 || p.got[two[1]] != 1 {
				t.Fatalf("cut at %d: delivered %v, %+v", cut, p.got, e)
			}
			cutOff = len(p.times) > 1
		})
	}
}

// TestAnswerLost: a yes that never came costs a second delivery and no third.
func TestAnswerLost(t *testing.T) {
	story(t, func(p *peer) {
		p.data = func(n int, _ []mail.Address) []smtp.Reply {
			if n == 1 {
				rest(20 * time.Minute)
			}
			return []smtp.Reply{{Code: 250, Text: "Taken"}}
		}
	}, func(t *testing.T, s *sender, p *peer) {
		entry := s.add(two, id(1))[0]
		pass(10*time.Minute + 30*time.Second)
		if e := s.show(entry); e.Count(Waiting) != 2 || !strings.Contains(e.Trouble, "its answer did not come") {
			t.Errorf("%+v", e)
		}
		pass(24 * time.Hour)
		if e := s.show(entry); e.Count(Sent) != 2 || p.got[two[0]] != 2 {
			t.Errorf("delivered %v, %+v", p.got, e)
		}
	})
}

// TestSourceTrouble: a message that cannot be read now is tried again, and no
// half of it is sent.
func TestSourceTrouble(t *testing.T) {
	story(t, nil, func(t *testing.T, s *sender, p *peer) {
		shelf := s.Source.(*shelf)
		plan := planFor(t, shelf, two, id(1))
		shelf.end(mail.ErrDamaged)
		entries, err := s.Queue.Add(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if e := s.show(entries[0]); e.Count(Waiting) != 2 || !strings.Contains(e.Trouble, "damaged") || p.sent > 0 {
			t.Errorf("%+v, %d sent", e, p.sent)
		}
		shelf.end(nil)
		pass(time.Minute)
		if got := s.states(entries[0]); got[0] != Sent {
			t.Errorf("%v", got)
		}
		shelf.put(id(1), plain+"changed\r\n")
		other, err := s.Queue.Add(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if e := s.show(other[0]); e.Count(Waiting) != 2 || !strings.Contains(e.Trouble, "another one") {
			t.Errorf("%+v", e)
		}
	})
}

// TestStop lets an attempt end, but not for ever.
func TestStop(t *testing.T) {
	for _, slow := range []time.Duration{time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			entered := make(chan bool, 1)
			p := newPeer(t)
			p.data = func(int, []mail.Address) []smtp.Reply {
				entered <- true
				rest(slow)
				return []smtp.Reply{{Code: 250, Text: "Taken"}}
			}
			s := newSender(t, newDisk(), p, shelfWith(id(1), plain), &ledger{})
			s.start()
			entry := s.add(two, id(1))[0]
			<-entered
			began := time.Now()
			s.stop()
			want, took := Sent, slow
			if slow > s.Grace {
				want, took = Waiting, s.Grace
			}
			if got := s.states(entry)[0]; got != want || time.Since(began) != took {
				t.Errorf("%v: %s after %v", slow, got, time.Since(began))
			}
			if e := s.show(entry); want == Waiting && e.Next.After(time.Now()) {
				t.Errorf("we cut it off, and it waits until %v", e.Next)
			}
		})
	}
}

// TestAnswersAreBounded: a server cannot fill the queue with talk.
func TestAnswersAreBounded(t *testing.T) {
	story(t, func(p *peer) {
		p.rcpt = func(int, mail.Address) error {
			return smtp.Reply{Code: 550, Text: strings.Repeat(strings.Repeat("x", 400)+"\n", 100)}
		}
	}, func(t *testing.T, s *sender, p *peer) {
		entry := s.add(two, id(1))[0]
		synctest.Wait()
		if r := s.show(entry).Recipients[0]; r.State != Refused || len(r.Answer) > maxAnswer+3 {
			t.Errorf("%s, %d bytes", r.State, len(r.Answer))
		}
	})
}
