package extract

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHeaders(t *testing.T) {
	m, err := Extract(strings.NewReader("List-Id: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <g.example>\r\n"+
		"X-Empty:\r\nX-Folded: one\r\n two\r\nX-Raw: f\xfcr\r\nX-Twice: a\r\nX-Twice: a\r\nx-twice: b\r\n"+
		"DKIM-Signature: v=1; b=abc\r\nARC-Seal: i=1\r\nX-MS-Has-Attach:\r\nMIME-Version: 1.0\r\nReceived: by x; now\r\n"+
		"Subject: s\r\nX-Long: "+strings.Repeat("ä", 1000)+"\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\ntext\r\n"), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	want := []Header{
		{"list-id", "Grüße <g.example>"}, {"x-empty", ""}, {"x-folded", "one two"}, {"x-raw", "für"},
		{"x-twice", "a"}, {"x-twice", "b"}, {"x-long", strings.Repeat("ä", maxHeaderValue/2)},
	}
	if diff := cmp.Diff(want, m.Headers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKept(t *testing.T) {
	for name, want := range map[string]Keep{
		"List-Id": KeepValue, "X-Mailer": KeepValue, "reply-to": KeepValue,
		"Status-Code": KeepValue, "Facet": KeepValue, "X-Faces": KeepValue, // begin like names that are not kept
		"List-Unsubscribe": KeepPresence, "Errors-To": KeepPresence, "list-post": KeepPresence,
		"Status": KeepNothing, "Face": KeepNothing, "X-Face": KeepNothing, "DKIM-Signature": KeepNothing, "X-MS-Has-Attach": KeepNothing,
		"Authentication-Results": KeepNothing, "Subject": KeepNothing, "": KeepNothing, strings.Repeat("x", 100): KeepNothing,
	} {
		if got := Kept(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
		if want == KeepNothing {
			continue
		}
		m, err := Extract(strings.NewReader(name+": <https://example.org/u/1>\r\n\r\ntext\r\n"), DefaultLimits())
		if err != nil || len(m.Headers) != 1 || (m.Headers[0].Value == "") != (want == KeepPresence) {
			t.Errorf("%q: %+v, %v", name, m.Headers, err)
		}
	}
}

func TestHeadersAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "X-%d: v\n", i)
	}
	m, err := Extract(strings.NewReader(b.String()+strings.Repeat("x", 5000)+": v\n\ntext"), DefaultLimits())
	if err != nil || len(m.Headers) != MaxHeaders {
		t.Errorf("%d headers, %v", len(m.Headers), err)
	}
}
