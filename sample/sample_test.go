package sample

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// golden is the digest of all keys, envelopes and bytes. It changes when a
// text or the composer does; then look at what changed, and set it anew.
const golden = "a95bb9958eb6f4157ef513af2d1aa3a746fbfba6ae6ef5bbf0215626795ebce0"

func TestGoldenDigest(t *testing.T) {
	for range 2 {
		h := sha256.New()
		for _, m := range Messages() {
			fmt.Fprintf(h, "%s\n%s\n%s\n%v\n%d\n%s", m.Key, m.From, strings.Join(m.To, ","), m.UTF8, len(m.Data), m.Data)
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != golden {
			t.Errorf("digest of the sample mailbox: got %s, want %s", got, golden)
		}
	}
}

func TestTwoHundredMessages(t *testing.T) {
	messages := Messages()
	if len(messages) != 200 {
		t.Errorf("got %d messages, want 200", len(messages))
	}
	keys := map[string]bool{}
	for _, m := range messages {
		if keys[m.Key] {
			t.Errorf("key %s twice", m.Key)
		}
		keys[m.Key] = true
	}
}

func TestCallerMayChangeTheBytes(t *testing.T) {
	clear(Messages()[0].Data)
	if bytes.IndexByte(Messages()[0].Data, 0) >= 0 {
		t.Error("a change by one caller shows in the next call")
	}
}

func TestLines(t *testing.T) {
	for _, m := range Messages() {
		if !bytes.HasSuffix(m.Data, []byte("\r\n")) {
			t.Errorf("%s: does not end with CRLF", m.Key)
		}
		for _, line := range bytes.SplitAfter(m.Data, []byte("\r\n")) {
			bare := bytes.TrimSuffix(line, []byte("\r\n"))
			if len(bare) > 998 || bytes.ContainsAny(bare, "\r\n\x00") {
				t.Errorf("%s: bad line of %d bytes: %.60q", m.Key, len(bare), bare)
			}
		}
	}
}

func TestHeaderLinesAreFolded(t *testing.T) {
	for _, m := range Messages() {
		head, _, _ := bytes.Cut(m.Data, []byte("\r\n\r\n"))
		for _, line := range strings.Split(string(head), "\r\n") {
			if len(line) > 100 && !strings.HasPrefix(line, "Authentication-Results") {
				t.Errorf("%s: header line of %d bytes: %q", m.Key, len(line), line)
			}
		}
	}
}

func TestMessageIDsAndThreads(t *testing.T) {
	messages := Messages()
	ids := map[string]string{}
	missing := 0
	for _, m := range messages {
		id := look(t, m.Data).header.Get("Message-ID")
		if id == "" {
			missing++
			continue
		}
		if ids[id] != "" {
			t.Errorf("%s and %s have the same Message-ID %s", m.Key, ids[id], id)
		}
		ids[id] = m.Key
	}
	if missing != 1 {
		t.Errorf("%d messages without a Message-ID, want 1", missing)
	}
	answers := 0
	for _, m := range messages {
		h := look(t, m.Data).header
		refs := strings.Fields(h.Get("References"))
		for _, ref := range refs {
			if ids[ref] == "" {
				t.Errorf("%s: reference to %s, which is not there", m.Key, ref)
			}
		}
		if in := h.Get("In-Reply-To"); in != "" {
			answers++
			if len(refs) == 0 || refs[len(refs)-1] != in {
				t.Errorf("%s: In-Reply-To %s is not the last of References %v", m.Key, in, refs)
			}
		}
	}
	if answers < 60 {
		t.Errorf("only %d answers", answers)
	}
}

func TestDates(t *testing.T) {
	first, last := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	missing := 0
	var before time.Time
	for _, m := range Messages() {
		h := look(t, m.Data).header
		_, stamp, _ := strings.Cut(h.Get("Received"), ";")
		received, err := mail.ParseDate(strings.TrimSpace(stamp))
		if err != nil {
			t.Errorf("%s: Received: %v", m.Key, err)
		}
		if received.Before(before) {
			t.Errorf("%s: out of order", m.Key)
		}
		before = received
		if h.Get("Date") == "" {
			missing++
			continue
		}
		date, err := h.Date()
		if err != nil || date.Before(first) || date.After(last) || received.Sub(date) != 2*time.Second {
			t.Errorf("%s: date %v, received %v, error %v", m.Key, date, received, err)
		}
	}
	if missing != 1 {
		t.Errorf("%d messages without Date, want 1", missing)
	}
}

func TestAddressesParse(t *testing.T) {
	parser := mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: charsetReader}}
	for _, m := range Messages() {
		h := look(t, m.Data).header
		for _, name := range []string{"From", "To", "Cc"} {
			if h.Get(name) == "" && name == "Cc" || m.Key == "welt-07" { // a raw 8-bit name, on purpose
				continue
			}
			if _, err := parser.ParseList(h.Get(name)); err != nil {
				t.Errorf("%s: %s %q: %v", m.Key, name, h.Get(name), err)
			}
		}
	}
}

func TestBlindRecipientsAreInTheEnvelopeOnly(t *testing.T) {
	people, blocks, err := readAll(texts)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCast(people)
	if err != nil {
		t.Fatal(err)
	}
	messages, blind := byKey(), 0
	for _, b := range blocks {
		hidden, err := c.findAll(b.get("bcc"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range hidden {
			blind++
			m := messages[b.key]
			if !slices.Contains(m.To, p.address) {
				t.Errorf("%s: %s is not in the envelope", b.key, p.address)
			}
			if bytes.Contains(m.Data, []byte(p.address)) {
				t.Errorf("%s: %s stands in the message", b.key, p.address)
			}
		}
		if h := look(t, messages[b.key].Data).header; h.Get("Bcc") != "" {
			t.Errorf("%s: a Bcc header", b.key)
		}
	}
	if blind < 20 {
		t.Errorf("only %d blind recipients", blind)
	}
}

func byKey() map[string]Message {
	messages := map[string]Message{}
	for _, m := range Messages() {
		messages[m.Key] = m
	}
	return messages
}

func TestEnvelopes(t *testing.T) {
	messages := byKey()
	for _, c := range []struct {
		key, from string
		to        []string
	}{
		{"hansen-01", "k.moeller@hansen-soehne.example", []string{"l.petersen@nordwind.example", "a.okafor@nordwind.example", "f.krueger@nordwind.example"}},
		{"leak-02", "f.krueger@nordwind.example", []string{"f.krueger@nordwind.example", "v.rahn@ostsee-marine.example"}},
		{"inv-06", "erik.sundqvist@balticferry.example", []string{"a.okafor@nordwind.example"}},
		{"bounce-01", "", []string{"a.okafor@nordwind.example"}},
		{"news-04", "bounce-155f87e7@marinepartsweekly.example", []string{"t.kowalczyk@nordwind.example", "m.siebert@nordwind.example"}},
		{"welt-06", "josé.núñez@bücher-müller.example", []string{"l.petersen@nordwind.example", "a.okafor@nordwind.example", "f.krueger@nordwind.example"}},
	} {
		m := messages[c.key]
		if m.From != c.from || !slices.Equal(m.To, c.to) {
			t.Errorf("%s: got from %q to %q, want from %q to %q", c.key, m.From, m.To, c.from, c.to)
		}
	}
	if n := len(messages["outage-01"].To); n != 18 {
		t.Errorf("all@ reached %d people, want 18", n)
	}
}

// TestListsAreExpanded looks at the whole mailbox: no list is an envelope
// recipient, and each of its members is when it stands in the header.
func TestListsAreExpanded(t *testing.T) {
	people, _, err := readAll(texts)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCast(people)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range c {
		members, err := c.expand(list)
		if err != nil {
			t.Fatal(err)
		}
		if list.members == nil {
			continue
		}
		for _, m := range Messages() {
			if slices.Contains(m.To, list.address) {
				t.Errorf("%s: the list %s is in the envelope", m.Key, list.address)
			}
			if !strings.Contains(look(t, m.Data).to, list.address) {
				continue
			}
			for _, p := range members {
				if !slices.Contains(m.To, p.address) {
					t.Errorf("%s: %s of %s is not in the envelope", m.Key, p.address, list.address)
				}
			}
		}
	}
}

func TestOnlyReservedDomains(t *testing.T) {
	domain := regexp.MustCompile(`(?:@|https?://)([\pL\pN.-]+)`)
	registered := regexp.MustCompile(`(?i)[a-z0-9-]+\.(com|org|net|de|eu|fr|pl|jp|se|io)\b`)
	reserved := regexp.MustCompile(`(^|\.)(example|test|invalid|localhost)\.?$`)
	for _, m := range Messages() {
		s := look(t, m.Data)
		head, _, _ := bytes.Cut(m.Data, []byte("\r\n\r\n"))
		all := strings.Join([]string{string(head), s.from, s.to, s.subject, s.visible, s.deep, strings.Join(m.To, " "), m.From}, "\n")
		for name, data := range s.files {
			all += "\n" + name + "\n" + string(data)
		}
		if found := registered.FindString(strings.ReplaceAll(all, "schemas.openxmlformats.org", "")); found != "" {
			t.Errorf("%s: a domain that somebody may own: %s", m.Key, found)
		}
		for _, found := range domain.FindAllStringSubmatch(all, -1) {
			// The namespace in .docx files is prescribed (ECMA-376).
			if d := found[1]; !reserved.MatchString(d) && d != "schemas.openxmlformats.org" {
				t.Errorf("%s: a domain that somebody may own: %s", m.Key, d)
			}
		}
	}
}
