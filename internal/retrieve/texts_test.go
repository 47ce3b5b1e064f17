package retrieve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/mail"
)

func rowOf(d catalog.Document) catalog.Row {
	return catalog.Row{ID: d.Arrival.ID, Digest: d.Arrival.Digest, Size: d.Arrival.Size}
}

func letter(n int, text string) []byte {
	return fmt.Appendf(nil, "Subject: number %d\r\n\r\n%s\r\n", n, text)
}

func TestTextIsReadOnce(t *testing.T) {
	f := newFixture()
	d := f.put(letter(1, "Dear Bob"))
	for range 3 {
		if text, err := f.Text(t.Context(), anna, rowOf(d)); text != "Dear Bob" || err != nil {
			t.Fatalf("Text = %q, %v", text, err)
		}
	}
	if f.shelf.opened != 1 {
		t.Errorf("content was opened %d times", f.shelf.opened)
	}
}

func TestTextOfLongMail(t *testing.T) {
	f := newFixture()
	content := letter(1, "begin "+strings.Repeat("more and more ", 100_000))
	text, err := f.Text(t.Context(), anna, rowOf(f.put(content)))
	if err != nil || !strings.HasPrefix(text, "begin more and") || len(text) > snippetText {
		t.Errorf("%d bytes %.30q…, %v", len(text), text, err)
	}
}

// TestTextIsForWhoMaySeeIt, remembered or not.
func TestTextIsForWhoMaySeeIt(t *testing.T) {
	f := newFixture()
	d := f.put(letter(1, "Dear Bob"))
	for range 2 {
		if text, err := f.Text(t.Context(), access.Scope{}, rowOf(d)); text != "" || !errors.Is(err, mail.ErrNotFound) {
			t.Errorf("a stranger reads %q, %v", text, err)
		}
		if _, err := f.Text(t.Context(), anna, rowOf(d)); err != nil {
			t.Error(err)
		}
	}
}

// TestTextOfOtherBytesIsNotShown: the vault gives out what was not recorded.
func TestTextOfOtherBytesIsNotShown(t *testing.T) {
	f := newFixture()
	d := f.put(letter(1, "Dear Bob"))
	f.shelf.contents[d.Arrival.ID] = []func() (io.Reader, error){gives(letter(1, "Dear Eve"))}
	if text, err := f.Text(t.Context(), anna, rowOf(d)); text != "" || !errors.Is(err, mail.ErrDamaged) && !errors.Is(err, mail.ErrNotFound) {
		t.Errorf("Text = %q, %v", text, err)
	}
}

// TestTextsAreForgotten keeps room for two and looks who is still known.
func TestTextsAreForgotten(t *testing.T) {
	f := newFixture()
	body := strings.Repeat("x", 1000)
	f.TextsKept = 2*(1000+overhead) + 10
	var rows []catalog.Row
	for n := range 3 {
		rows = append(rows, rowOf(f.put(letter(n, body))))
	}
	for _, step := range []struct{ row, opened int }{
		{0, 1}, {1, 2}, {0, 2}, {2, 3}, // 1 was not used for longest
		{0, 3}, {1, 4}, {2, 5},
	} {
		if _, err := f.Text(t.Context(), anna, rows[step.row]); err != nil || f.shelf.opened != step.opened {
			t.Fatalf("text %d: opened %d, want %d; %v", step.row, f.shelf.opened, step.opened, err)
		}
	}
	if f.texts.size > f.TextsKept || len(f.texts.byDigest) != 2 || f.texts.kept.Len() != 2 {
		t.Errorf("%d bytes in %d texts", f.texts.size, f.texts.kept.Len())
	}
}

func TestTextTooLargeToKeep(t *testing.T) {
	f := newFixture()
	f.TextsKept = 10
	d := f.put(letter(1, "Dear Bob"))
	if text, err := f.Text(t.Context(), anna, rowOf(d)); text != "Dear Bob" || err != nil || f.texts.kept.Len() != 0 {
		t.Errorf("Text = %q, %v; %d kept", text, err, f.texts.kept.Len())
	}
}

// TestTextFromAnotherArrival reads content whose first copy is damaged.
func TestTextFromAnotherArrival(t *testing.T) {
	f := newFixture()
	content := letter(1, "Dear Bob")
	first := f.put(content, breaks(nil, mail.ErrDamaged))
	f.shelf.contents[first.Arrival.ID] = nil // not found
	second := f.put(content)
	f.index(t, first, catalogtest.SameContent(second.Arrival.Seq, first, func(d *catalog.Document) { d.Arrival = second.Arrival }))
	if text, err := f.Text(t.Context(), anna, rowOf(first)); text != "Dear Bob" || err != nil {
		t.Errorf("Text = %q, %v", text, err)
	}
}

func TestTextThatBreaksOffIsNotKept(t *testing.T) {
	f := newFixture()
	content := letter(1, "Dear Bob")
	broken := errors.New("cable pulled")
	d := f.put(content, breaks(content[:25], broken), gives(content))
	if _, err := f.Text(t.Context(), anna, rowOf(d)); !errors.Is(err, broken) {
		t.Errorf("broken content: %v", err)
	}
	if text, err := f.Text(t.Context(), anna, rowOf(d)); text != "Dear Bob" || err != nil {
		t.Errorf("afterwards: %q, %v", text, err)
	}
}

func TestTextsFromManyAtOnce(t *testing.T) {
	f := newFixture()
	f.TextsKept = 3000
	var rows []catalog.Row
	for n := range 8 {
		rows = append(rows, rowOf(f.put(letter(n, strings.Repeat(fmt.Sprint(n), 700)))))
	}
	f.Vault = &oneAtATime{Vault: f.shelf}
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for i := range 200 {
				n := (i*g + i) % len(rows)
				text, err := f.Text(t.Context(), anna, rows[n])
				if err != nil || !strings.HasPrefix(text, fmt.Sprint(n)) || !bytes.Equal([]byte(text), bytes.Repeat([]byte(text[:1]), 700)) {
					t.Errorf("text %d = %.10q, %v", n, text, err)
				}
			}
		})
	}
	group.Wait()
}

// oneAtATime lets the shelf, which counts, serve several.
type oneAtATime struct {
	Vault
	mu sync.Mutex
}

func (o *oneAtATime) Open(ctx context.Context, id mail.ID) (mail.Arrival, io.ReadCloser, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Vault.Open(ctx, id)
}
