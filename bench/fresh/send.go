package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/smtp"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mailbox "mailarchive/sample"
)

// sender hands in messages at a steady rate over a few connections.
type sender struct {
	address              string
	rate, messages, size int
	accepted             chan<- sample // every tenth

	words []string
	next  atomic.Int64
	late  atomic.Int64 // the longest that a message was behind its time
}

// send returns when all have their 250: how long it took and by how much a
// message was sent later than the rate says, at most.
func (s *sender) send() (took, late time.Duration, err error) {
	s.words = vocabulary()
	begun := time.Now()
	var group sync.WaitGroup
	errs := make([]error, connections)
	for c := range connections {
		group.Go(func() { errs[c] = s.connection(begun) })
	}
	group.Wait()
	return time.Since(begun), time.Duration(s.late.Load()), errors.Join(errs...)
}

// connection sends whatever message is next until there is none.
func (s *sender) connection(begun time.Time) error {
	client, err := smtp.Dial(s.address)
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		i := int(s.next.Add(1)) - 1
		if i >= s.messages {
			return client.Quit()
		}
		word, content := s.compose(i)
		due := begun.Add(time.Duration(i) * time.Second / time.Duration(s.rate))
		time.Sleep(time.Until(due))
		s.behind(time.Since(due))
		if err := deliver(client, content); err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		if i%everyNth == 0 {
			s.accepted <- sample{word, time.Now()}
		}
	}
}

func (s *sender) behind(by time.Duration) {
	for old := s.late.Load(); int64(by) > old && !s.late.CompareAndSwap(old, int64(by)); old = s.late.Load() {
	}
}

// deliver returns nil after the 250.
func deliver(client *smtp.Client, content []byte) error {
	if err := client.Mail("bench@local.example"); err != nil {
		return err
	}
	if err := client.Rcpt("archive@local.example"); err != nil {
		return err
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return err
	}
	return w.Close()
}

// compose makes message i and the word that it alone has.
func (s *sender) compose(i int) (word string, content []byte) {
	random := rand.New(rand.NewPCG(9, uint64(i)))
	word = fmt.Sprintf("fresh%08dword", i)
	var b strings.Builder
	fmt.Fprintf(&b, "From: Bench %d <bench%d@local.example>\r\nTo: archive@local.example\r\nSubject: %s %s\r\n"+
		"Date: %s\r\nMessage-ID: <%s@local.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n",
		i%97, i%97, s.words[random.IntN(len(s.words))], s.words[random.IntN(len(s.words))], time.Now().Format(time.RFC1123Z), word, word)
	for b.Len() < s.size {
		for range 10 {
			b.WriteString(s.words[random.IntN(len(s.words))] + " ")
		}
		b.WriteString("\r\n")
	}
	return word, []byte(b.String())
}

// vocabulary is the words of the sample mailbox, each as often as it stands
// there.
func vocabulary() (words []string) {
	word := regexp.MustCompile(`\b\p{L}{2,14}\b`)
	for _, m := range mailbox.Messages() {
		words = append(words, word.FindAllString(string(m.Data), -1)...)
	}
	return words
}
