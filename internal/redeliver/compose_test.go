package redeliver

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/google/go-cmp/cmp"

	archive "mailarchive/internal/mail"
)

var then = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

var composer = Composer{Sender: "archive@example.org", Host: "archive.example.org"}

func entryFor(addresses ...archive.Address) *Entry {
	e := &Entry{ID: EntryID{1}, Message: archive.ID{2}, Created: then}
	for _, a := range addresses {
		e.Recipients = append(e.Recipients, Recipient{Address: a, Named: true, State: Waiting})
	}
	return e
}

// mailFor composes and writes a mail.
func mailFor(t testing.TB, e *Entry, content string, eightBit bool) (composed, string) {
	t.Helper()
	f := inspected(t, content)
	m, err := composer.compose(e, &f, eightBit)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.write(&b, iotest.HalfReader(strings.NewReader(content))); err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != m.written {
		t.Errorf("%d bytes, it said %d", b.Len(), m.written)
	}
	return m, b.String()
}

const block = "Resent-Date: Wed, 25 Nov 2026 10:00:00 +0000\r\n" +
	"Resent-From: <archive@example.org>\r\n" +
	"Resent-To: bob@example.org,\r\n eve@example.org\r\n" +
	"Resent-Message-ID: <01000000000000000000000000.redelivery@archive.example.org>\r\n"

func TestResent(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", plain, plain},
		{"dots", plain + ".\r\n", plain + ".\r\n"},
		{"8-bit", plain + "\xff\r\n", plain + "\xff\r\n"},
		{"Maildir", lf(plain), plain},
		{"Maildir, Bcc", "Bcc: x@y\n" + lf(plain), plain},
		{"unended", "Subject: x\r\n\r\nhi", "Subject: x\r\n\r\nhi"},
		{"Maildir, unended", "Subject: x\n\n\nhi", "Subject: x\r\n\r\n\r\nhi"},
		{"no body", "Subject: x\n", "Subject: x\r\n"},
	} {
		e := entryFor("bob@example.org", "eve@example.org")
		e.ID = EntryID{0x01, 0, 0}
		m, got := mailFor(t, e, tt.in, true)
		want := strings.Replace(block, "01000000000000000000000000", e.ID.String(), 1) + tt.want
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if unended := !strings.HasSuffix(tt.in, "\n"); unended != (m.added == 2) {
			t.Errorf("%s: %d bytes added at the end", tt.name, m.added)
		}
		if m.eightBit != strings.Contains(tt.in, "\xff") {
			t.Errorf("%s: 8-bit %v", tt.name, m.eightBit)
		}
	}
}

// TestNamed: blind recipients and strange addresses are not named.
func TestNamed(t *testing.T) {
	for _, tt := range []struct {
		name string
		e    *Entry
		want string
	}{
		{"one", entryFor("bob@example.org"), "bob@example.org"},
		{"none", entryFor(), "undisclosed-recipients:;"},
		{"strange", entryFor("bob@example.org", `"a, b"@example.org`, "用户@例子.广告", "a@b\r\nBcc: x", "a..b@c", "root", "x@[127.0.0.1]"), "bob@example.org"},
		{"only strange", entryFor("用户@例子.广告"), "undisclosed-recipients:;"},
		{"too many", entryFor(make([]archive.Address, 0)...), "undisclosed-recipients:;"},
	} {
		if tt.name == "too many" {
			for range maxNamed + 1 {
				tt.e.Recipients = append(tt.e.Recipients, Recipient{Address: "a@b", Named: true})
			}
		}
		tt.e.Recipients = append(tt.e.Recipients, Recipient{Address: "blind@example.org"})
		_, got := mailFor(t, tt.e, plain, true)
		if !strings.Contains(got, "Resent-To: "+tt.want+"\r\n") || strings.Contains(got, "blind@") {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

func TestAttachment(t *testing.T) {
	for _, content := range []string{
		"", "x", plain + "\x00", plain + strings.Repeat("x", 1000), "a\nb\r\nc\r", strings.Repeat("\xff\x00\n", 40_000),
		"Subject: =?utf-8?q?Gr=C3=B6=C3=9Fe_?= =?utf-8?q?" + strings.Repeat("x", 300) + "?=\n\r\n",
		strings.Repeat("y", 57), strings.Repeat("y", 114), strings.Repeat("y", 57*512),
	} {
		e := entryFor("bob@example.org")
		e.Digest, e.Size = archive.Sum([]byte(content)), int64(len(content))
		m, got := mailFor(t, e, content, true)
		if m.form != Attachment || m.eightBit {
			t.Errorf("%.40q goes %s, 8-bit %v", content, m.form, m.eightBit)
		}
		checkSendable(t, []byte(got))
		text, attached := takeApart(t, got)
		if attached != content {
			t.Errorf("%.40q comes back as %.40q", content, attached)
		}
		for _, part := range []string{e.Message.String(), e.Digest.String(), m.reason} {
			if !strings.Contains(text, part) {
				t.Errorf("%q is not in the text %q", part, text)
			}
		}
	}
}

// takeApart reads a mail with an attachment, by the standard library.
func takeApart(t *testing.T, sent string) (text, attached string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Date", "From", "To", "Message-Id", "Subject", "Auto-Submitted"} {
		if m.Header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	var bodies []string
	for {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var r io.Reader = p
		if p.Header.Get("Content-Transfer-Encoding") == "base64" {
			r = base64.NewDecoder(base64.StdEncoding, p)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(b))
	}
	if len(bodies) != 2 {
		t.Fatalf("%d parts in %q", len(bodies), sent)
	}
	return bodies[0], bodies[1]
}

// TestBlindStaysBlind: no form shows the Bcc field to the original recipients.
func TestBlindStaysBlind(t *testing.T) {
	content := "Bcc: secret@example.org\r\n" + plain + "\x00\r\n"
	f := inspected(t, content)
	e := entryFor("bob@example.org")
	e.Originals = true
	if _, err := composer.compose(e, &f, true); !errors.Is(err, errBlind) {
		t.Errorf("%v, want %v", err, errBlind)
	}
	for _, spared := range []func(*Entry){func(e *Entry) { e.Attach = true }, func(e *Entry) { e.Originals = false }} {
		e := *e
		spared(&e)
		if _, err := composer.compose(&e, &f, true); err != nil {
			t.Errorf("it was asked for: %v", err)
		}
	}
}

// TestDKIM: the signature of the original holds behind our fields.
func TestDKIM(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	record := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	for _, canonical := range []dkim.Canonicalization{dkim.CanonicalizationSimple, dkim.CanonicalizationRelaxed} {
		for name, content := range map[string]string{
			"plain": plain, "8-bit": plain + "\xe9\r\n.\r\n", "unended": plain + "end", "no body": "From: a@b\r\nTo: c@d\r\n\r\n",
			"blind": "Bcc: x@y\r\n" + plain,
		} {
			var signed bytes.Buffer
			options := &dkim.SignOptions{
				Domain: "example.org", Selector: "s", Signer: private,
				HeaderCanonicalization: canonical, BodyCanonicalization: canonical,
				HeaderKeys: []string{"From", "From", "To", "To", "Subject", "Date", "Cc"}, // twice: none may be added
			}
			if err := dkim.Sign(&signed, strings.NewReader(content), options); err != nil {
				t.Fatal(err)
			}
			for _, original := range []string{signed.String(), lf(signed.String())} {
				m, got := mailFor(t, entryFor("bob@example.org"), original, true)
				if m.added > 0 {
					got += "\r\n"
				}
				found, err := dkim.VerifyWithOptions(strings.NewReader(got), &dkim.VerifyOptions{
					LookupTXT: func(string) ([]string, error) { return []string{record}, nil },
				})
				if err != nil || len(found) != 1 || found[0].Err != nil || m.form == Attachment {
					t.Errorf("%s, %s, sent %s: %v, %+v", canonical, name, m.form, err, found)
				}
			}
		}
	}
}

// TestTransmitNoticesOtherBytes: what is not the content that was inspected is
// not ended.
func TestTransmitNoticesOtherBytes(t *testing.T) {
	e := entryFor("bob@example.org")
	for _, in := range []string{plain, plain + "\x00"} {
		f := inspected(t, in)
		m, err := composer.compose(e, &f, true)
		if err != nil {
			t.Fatal(err)
		}
		broken := errors.New("disk trouble")
		for name, shelf := range map[string]*shelf{
			"more":   shelfWith(e.Message, in+"x\r\n"),
			"less":   shelfWith(e.Message, in[:len(in)-2]),
			"little": shelfWith(e.Message, "x"),
			"cut":    {messages: map[archive.ID]string{e.Message: in}, cut: io.ErrUnexpectedEOF},
			"broken": {messages: map[archive.ID]string{e.Message: in}, cut: broken},
			"gone":   {},
		} {
			if err := m.transmit(context.Background(), shelf, e, io.Discard); err == nil {
				t.Errorf("%s: %q was sent", name, in)
			}
		}
		if err := m.transmit(context.Background(), shelfWith(e.Message, in), e, io.Discard); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
}
