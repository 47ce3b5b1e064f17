package importer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

func TestDeliveredTo(t *testing.T) {
	for _, tt := range []struct {
		name, head string
		want       []string
	}{
		{"one", "X-Clear-Delivered-To: ann@x.org\r\nSubject: y\r\n\r\n", []string{"ann@x.org"}},
		{"among others, LF", "To: list@x.org\nx-clear-delivered-to: ann@x.org\nX-CLEAR-DELIVERED-TO: <bob@x.org>\n\n", []string{"ann@x.org", "bob@x.org"}},
		{"another ending", "X-Clear-Delivered-To-2: ann@x.org\n\n", []string{"ann@x.org"}},
		{"a list", "X-Clear-Delivered-To: Ann <ann@x.org>, \"B, ob\" <bob@x.org>\n\n", []string{"ann@x.org", "bob@x.org"}},
		{"folded", "X-Clear-Delivered-To: ann@x.org,\r\n bob@x.org\r\n\r\n", []string{"ann@x.org", "bob@x.org"}},
		{"twice", "X-Clear-Delivered-To: ann@x.org\nX-Clear-Delivered-To: ANN@x.org\n\n", []string{"ann@x.org"}},
		{"no list", "X-Clear-Delivered-To: ann@x.org; bob@x.org bad@ @bad\n\n", []string{"ann@x.org", "bob@x.org"}},
		{"From_ line first", "From a@b Thu Jun 10 10:00:00 2010\nX-Clear-Delivered-To: ann@x.org\n\n", []string{"ann@x.org"}},
		{"in the body", "Subject: x\n\nX-Clear-Delivered-To: ann@x.org\n\n", nil},
		{"behind what is no header", "text\nX-Clear-Delivered-To: ann@x.org\n\n", nil},
		{"folded behind another", "Subject: x\n X-Clear-Delivered-To: ann@x.org\n\n", nil},
		{"empty", "X-Clear-Delivered-To:\nX-Clear-Delivered-To: undisclosed\n\n", nil},
		{"other field", "X-Clear-Delivered: ann@x.org\nDelivered-To: bob@x.org\n\n", nil},
		{"quoted local part", "X-Clear-Delivered-To: \"ann b\"@x.org\n\n", []string{`"ann b"@x.org`}},
		{"control characters", "X-Clear-Delivered-To: ann@\rx.org, \x00bob@x.org\n\n", nil},
		{"cut", "X-Clear-Delivered-To: ann@x.org", []string{"ann@x.org"}},
		{"nothing", "", nil},
	} {
		var got []string
		for _, to := range deliveredTo([]byte(tt.head)) {
			got = append(got, string(to.Address))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestDeliveredToIsOnlyBelievedWhenTold: from anybody else the field is a
// claim, and widens nobody's view.
func TestDeliveredToIsOnlyBelievedWhenTold(t *testing.T) {
	const text = "X-Clear-Delivered-To: ann@x.org\nTo: list@x.org\n\nhello\n"
	root := tree(t, map[string]string{"1": text, "large": text + strings.Repeat("x", smallMax)})
	for _, believe := range []bool{false, true} {
		a := newFake()
		importAll(t, a, Options{Paths: []string{root}, Format: FormatSpool, DeliveredTo: believe})
		var want []mail.Recipient
		if believe {
			want = []mail.Recipient{{Address: "ann@x.org"}}
		}
		for _, name := range []string{"1", "large"} {
			if diff := cmp.Diff(want, a.one(t, name).envelope.To); diff != "" {
				t.Errorf("%s, believed %v: recipients (-want +got):\n%s", name, believe, diff)
			}
		}
		if a.one(t, "1").digest != mail.Sum([]byte(text)) {
			t.Error("the bytes are not those found")
		}
	}
}

func FuzzDeliveredTo(f *testing.F) {
	f.Add([]byte("X-Clear-Delivered-To: ann@x.org\r\n bob@x.org\r\n\r\n"))
	f.Add([]byte("From x\nX-Clear-Delivered-To: \"a b\"@x.org, <c@d>\n"))
	f.Add([]byte("X-Clear-Delivered-To: =?utf-8?q?a?= <a@b>\n\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		for _, to := range deliveredTo(head) {
			if to.Address == "" || strings.ContainsAny(string(to.Address), "\r\n") {
				t.Errorf("%q from %q", to.Address, head)
			}
		}
	})
}
