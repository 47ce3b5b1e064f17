package redeliver

import (
	"testing"
	"testing/synctest"
	"time"

	"mailarchive/internal/mail"
	"mailarchive/internal/smtp"
)

func TestStateAfter(t *testing.T) {
	for code, want := range map[int][2]State{ // to RCPT, to all else
		250: {Sent, Sent}, 251: {Sent, Sent}, 354: {Waiting, Waiting}, 421: {Waiting, Waiting}, 450: {Waiting, Waiting}, 452: {Waiting, Waiting},
		500: {Refused, Refused}, 550: {Refused, Refused}, 554: {Refused, Refused}, 552: {Waiting, Refused},
		530: {Waiting, Waiting}, 534: {Waiting, Waiting}, 535: {Waiting, Waiting}, 538: {Waiting, Waiting},
	} {
		r := smtp.Reply{Code: code}
		if got := [2]State{stateAfterRcpt(r), stateAfter(r)}; got != want {
			t.Errorf("%d: %v, want %v", code, got, want)
		}
	}
}

// TestRetryDuringAnAttempt: another one follows at once.
func TestRetryDuringAnAttempt(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	story(t, func(p *peer) {
		p.data = func(n int, _ []mail.Address) []smtp.Reply {
			if n > 1 {
				return []smtp.Reply{{Code: 250, Text: "Taken"}}
			}
			entered <- true
			<-leave
			return []smtp.Reply{{Code: 451, Text: "Not now"}}
		}
	}, func(t *testing.T, s *sender, p *peer) {
		began := time.Now()
		entry := s.add(two, id(1))[0]
		<-entered
		if err := s.Queue.Retry(t.Context(), root, entry); err != nil {
			t.Fatal(err)
		}
		leave <- true
		synctest.Wait()
		if r := s.show(entry).Recipients[0]; r.State != Sent || !r.At.Equal(began) || r.Attempts != 2 {
			t.Errorf("%+v", r)
		}
	})
}

// TestConnectionsAreShared, but not for ever.
func TestConnectionsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const messages = maxPerConnection + 1
		p := newPeer(t)
		s := newSender(t, newDisk(), p, shelfWith(id(1), plain), &ledger{})
		s.Connections = 1
		s.start()
		for range messages {
			entry := s.add(two[:1], id(1))[0]
			synctest.Wait()
			if got := s.states(entry); got[0] != Sent {
				t.Errorf("%s: %v", entry, got)
			}
		}
		pass(time.Minute)
		if len(p.times) != 2 || p.got[two[0]] != messages {
			t.Errorf("%d connections, %d delivered", len(p.times), p.got[two[0]])
		}
		s.stop()
	})
}
