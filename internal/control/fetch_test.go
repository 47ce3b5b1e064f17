package control_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/control"
	"mailarchive/internal/control/controltest"
	"mailarchive/internal/mail"
)

// filled is an archive with messages of different sizes.
func filled(t *testing.T) *controltest.Archive {
	t.Helper()
	a := &controltest.Archive{}
	for i, size := range []int{0, 10, 200_000} {
		raw := fmt.Sprintf("Subject: no. %d\r\n\r\n%s", i, strings.Repeat("x", size))
		e := mail.Envelope{
			Source: "smtp", From: "a\xff@example.org", To: []mail.Recipient{{Address: "b\xfe@example.org", Params: []string{"NOTIFY=NEVER"}}},
			Origin: &mail.Origin{Path: "p\xfd", Key: mail.Sum([]byte{byte(i)}), Delivered: time.Unix(int64(i), 0).UTC()},
		}
		if _, err := a.Accept(t.Context(), e, strings.NewReader(raw)); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// fetch returns all that comes, contents read whole.
func fetch(t *testing.T, a control.Archive, q control.FetchRequest) (all []control.Fetched, contents [][]byte, err error) {
	t.Helper()
	err = a.Fetch(t.Context(), everything(), q, func(f control.Fetched) error {
		b, err := io.ReadAll(f.Content)
		if err != nil {
			b = []byte("failed: " + err.Error())
		}
		contents = append(contents, b)
		f.Content = nil
		all = append(all, f)
		return nil
	})
	return all, contents, err
}

// What comes over the socket is what the archive gave, bytes in addresses that
// are no UTF-8 included.
func TestFetchSame(t *testing.T) {
	archive := filled(t)
	client, _ := start(t, archive, nil)
	for _, q := range []control.FetchRequest{{Query: "no."}, {Query: "nothing"}, {Refs: []string{archive.Messages()[2].ID.String(), archive.Messages()[0].ID.String()}}} {
		want, wantBytes, err := fetch(t, archive, q)
		if err != nil {
			t.Fatal(err)
		}
		got, gotBytes, err := fetch(t, client, q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", q, diff)
		}
		for i := range wantBytes {
			if !bytes.Equal(wantBytes[i], gotBytes[i]) {
				t.Errorf("%+v: message %d has other bytes", q, i)
			}
		}
	}
}

// A message whose bytes fail costs no other message.
func TestFetchFailingContent(t *testing.T) {
	archive := filled(t)
	archive.Cut = fmt.Errorf("disk: %w", mail.ErrDamaged)
	client, _ := start(t, archive, nil)
	n := 0
	err := client.Fetch(t.Context(), everything(), control.FetchRequest{}, func(f control.Fetched) error {
		n++
		if _, err := io.ReadAll(f.Content); !errors.Is(err, mail.ErrDamaged) {
			t.Errorf("content: %v, want ErrDamaged", err)
		}
		return nil
	})
	if err != nil || n != 3 {
		t.Errorf("%d messages, %v; want 3", n, err)
	}
}

// Content that the caller does not read is passed over, and an error of the
// caller ends the call.
func TestFetchUnread(t *testing.T) {
	client, _ := start(t, filled(t), nil)
	n := 0
	err := client.Fetch(t.Context(), everything(), control.FetchRequest{}, func(control.Fetched) error { n++; return nil })
	if err != nil || n != 3 {
		t.Errorf("%d messages, %v; want 3", n, err)
	}
	enough := errors.New("enough")
	n = 0
	err = client.Fetch(t.Context(), everything(), control.FetchRequest{}, func(control.Fetched) error { n++; return enough })
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("%d messages, %v; want one and the caller's error", n, err)
	}
}

func TestFetchErrors(t *testing.T) {
	archive := filled(t)
	client, _ := start(t, archive, nil)
	_, _, err := fetch(t, client, control.FetchRequest{Refs: []string{"01ZZZZZZZZZZZZZZZZZZZZZZZZ"}})
	if !errors.Is(err, mail.ErrNotFound) {
		t.Errorf("unknown reference: %v, want ErrNotFound", err)
	}
	_, _, err = fetch(t, client, control.FetchRequest{Query: strings.Repeat("x", 9<<20)})
	if !errors.Is(err, mail.ErrTooLarge) {
		t.Errorf("9 MiB of query: %v, want ErrTooLarge", err)
	}
}
