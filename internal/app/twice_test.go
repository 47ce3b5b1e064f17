package app

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"mailarchive/internal/mail"
)

// TestImportedOnceByTwo hands the same item in from many sides at once, as two
// imports of one folder do: each has asked before and was told "not there".
func TestImportedOnceByTwo(t *testing.T) {
	a := opened(t, configured(t))
	envelope := mail.Envelope{Source: "import:eml", Origin: &mail.Origin{Path: "/x", Key: mail.Sum([]byte("key"))}}
	var sides sync.WaitGroup
	ids := make([]mail.ID, 20)
	for i := range ids {
		sides.Go(func() {
			content := strings.NewReader("Subject: once\r\n\r\ntext\r\n")
			arrival, err := a.Accept(t.Context(), envelope, content)
			if err != nil || content.Len() != 0 {
				t.Errorf("%v, %d bytes not read", err, content.Len())
			}
			ids[i] = arrival.ID
		})
	}
	sides.Wait()
	for _, id := range ids {
		if id != ids[0] || id.IsZero() {
			t.Errorf("arrivals %v and %v", ids[0], id)
		}
	}
	if got := a.vault.Last(); got != 1 {
		t.Errorf("%d arrivals, want 1", got)
	}
}

// TestNextTakesOverWhatFailed: an item whose Accept failed is nobody's.
func TestNextTakesOverWhatFailed(t *testing.T) {
	a := opened(t, configured(t))
	envelope := mail.Envelope{Source: "import:eml", Origin: &mail.Origin{Path: "/x", Key: mail.Sum([]byte("key"))}}
	begun, content := make(chan struct{}), make(chan error)
	first := make(chan error)
	go func() {
		_, err := a.Accept(t.Context(), envelope, readerFunc(func([]byte) (int, error) {
			close(begun)
			return 0, <-content
		}))
		first <- err
	}()
	<-begun
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Accept(impatient, envelope, strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("one that does not wait: %v", err)
	}
	content <- io.ErrUnexpectedEOF
	if err := <-first; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("first: %v", err)
	}
	if _, err := a.Accept(t.Context(), envelope, strings.NewReader("x")); err != nil || a.vault.Last() != 1 {
		t.Errorf("next: %v, %d arrivals", err, a.vault.Last())
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestCommandOnFullDisk: what is stored comes out though the catalog cannot
// grow. Other errors of the catalog still end a command.
func TestCommandOnFullDisk(t *testing.T) {
	a := opened(t, configured(t))
	if err := a.unlessFull(mail.ErrFull); err != nil {
		t.Errorf("full: %v", err)
	}
	if err := a.unlessFull(mail.ErrDamaged); !errors.Is(err, mail.ErrDamaged) {
		t.Errorf("damaged: %v", err)
	}
	if err := a.unlessFull(nil); err != nil {
		t.Error(err)
	}
}
