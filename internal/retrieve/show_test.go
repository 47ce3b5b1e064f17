package retrieve

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

func TestShow(t *testing.T) {
	f := newFixture()
	d := f.put([]byte("From: Alice <alice@example.org>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nX-Long: a\r\n b\r\n\r\nHello Bob\r\n"))
	f.index(t, d)
	v, err := f.Show(t.Context(), anna, d.Arrival.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	want := []Field{{"From", "Alice <alice@example.org>"}, {"Subject", "=?utf-8?q?Gr=C3=BC=C3=9Fe?="}, {"X-Long", "a\n b"}}
	if diff := cmp.Diff(want, v.Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if v.Read.Subject != "Grüße" || !strings.Contains(v.Read.Text, "Hello Bob") || len(v.History) != 1 {
		t.Errorf("view = %+v", v)
	}
	if len(f.ledger.readings) != 1 || f.ledger.readings[0].Purpose != ToShow {
		t.Errorf("readings = %+v", f.ledger.readings)
	}
}

func TestShowOfNothing(t *testing.T) {
	if _, err := newFixture().Show(t.Context(), anna, "01ARZ3NDEKTSV4RRFFQ69G5FAV"); !errors.Is(err, mail.ErrNotFound) {
		t.Errorf("Show of an unknown ID: %v, want ErrNotFound", err)
	}
}

func TestHeader(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []Field
	}{
		{"", nil},
		{"\r\nbody: no", nil},
		{"A: 1\nB:2\n\nC: 3", []Field{{"A", "1"}, {"B", "2"}}},
		{"From x Mon\nA: 1", []Field{{"A", "1"}}},
		{"A: 1\nnot a field\nB: 2", []Field{{"A", "1"}}},
		{" leading\nA: 1", []Field{{"A", "1"}}},
		{"A : old\n\t folded\n", []Field{{"A", "old\n\t folded"}}},
		{"A: \xff\n", []Field{{"A", "\uFFFD"}}},
		{"Grüße: 1\n", nil},
		{strings.Repeat("A: 1\n", maxFields+5), repeat(Field{"A", "1"}, maxFields)},
	} {
		if diff := cmp.Diff(c.want, Header(strings.NewReader(c.in))); diff != "" {
			t.Errorf("header of %.40q (-want +got):\n%s", c.in, diff)
		}
	}
}

func repeat(f Field, n int) (list []Field) {
	for range n {
		list = append(list, f)
	}
	return list
}

func FuzzHeader(f *testing.F) {
	for _, s := range []string{"", "A: 1\r\n b\r\n\r\n", "From x\nA:b", "\x00:\xff", ":\n", " : \n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, field := range Header(strings.NewReader(s)) {
			if field.Name == "" || strings.ContainsAny(field.Name, " \n:") {
				t.Errorf("field name %q in %q", field.Name, s)
			}
		}
	})
}
