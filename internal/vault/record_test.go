package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

// TestRecordAsThePageSays: the names of fields, their order and their form, as
// doc/formats/vault-1.md has them.
func TestRecordAsThePageSays(t *testing.T) {
	id := mail.ID{1, 2, 3}
	r := chain{seq: 6, head: mail.Sum([]byte("before")), id: mail.ID{1}}.follow(UUID{0xab}, time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC))
	r.setEnvelope(mail.Envelope{
		Source: "smtp", From: "a@b", FromParams: []string{"SIZE=1"},
		To:     []mail.Recipient{{Address: "<&>\u2028"}, {Address: "c\xff", Params: []string{"NOTIFY=NEVER"}}},
		Client: "192.0.2.1:2", Helo: "h", Auth: "u", TLS: "T",
		Origin: &mail.Origin{Path: "/p", Folder: "f", Flags: "F", Owner: "o@p", Delivered: time.Date(2025, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600)), FromLine: "From x", Key: mail.Sum(nil)},
	})
	r.ID, r.Salt, r.SHA256, r.Size, r.BytesIn = id, "5a17", mail.Sum([]byte("x")), 1, &id
	r.Closed = &Closed{Segment: 3, Length: 99, SHA256: mail.Sum([]byte("y"))}
	b, err := r.encode()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"format":1,"vault":"ab000000-0000-0000-0000-000000000000","seq":7,` +
		`"prev":"` + mail.Sum([]byte("before")).String() + `","salt":"5a17","kind":"arrival","id":"` + id.String() + `",` +
		`"sha256":"` + mail.Sum([]byte("x")).String() + `","size":1,"received":"2026-01-02T03:04:05.006Z",` +
		`"source":"smtp","mail_from":"a@b","mail_params":["SIZE=1"],"rcpt_to":["<&>\u2028","c` + "\uFFFD" + `"],` +
		`"rcpt_params":{"1":["NOTIFY=NEVER"]},"client":"192.0.2.1:2","helo":"h","auth":"u","tls":"T",` +
		`"import":{"path":"/p","folder":"f","flags":"F","owner":"o@p","delivered":"2025-01-01T00:00:00Z","from_line":"From x","key":"` + mail.Sum(nil).String() + `"},` +
		`"bytes_in":"` + id.String() + `","closed":{"segment":3,"length":99,"sha256":"` + mail.Sum([]byte("y")).String() + `"},` +
		`"base64":{"rcpt_to/1":"Y/8="}}` + "\n"
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestEachStringKeepsItsBytes: one string at a time is not UTF-8.
func TestEachStringKeepsItsBytes(t *testing.T) {
	full := func() *Record {
		r := &Record{Format: 1, Kind: KindArrival, Seq: 1, ID: mail.ID{1}, Received: "2026-01-02T03:04:05.006Z", Import: &importRecord{Key: &mail.Digest{}}}
		r.Source, r.MailFrom, r.Client, r.Helo, r.Auth, r.TLS = "s", "m", "c", "h", "a", "t"
		r.MailParams, r.RcptTo = []string{"x", "y"}, []string{"p", "q"}
		r.RcptParams = map[string][]string{"0": {"k"}, "1": {"l", "m"}}
		r.Import.Path, r.Import.Folder, r.Import.Flags, r.Import.Owner, r.Import.FromLine = "p", "f", "g", "o", "l"
		return r
	}
	var names []string
	full().texts(func(name string, _ *string) { names = append(names, name) })
	if len(names) != 18 {
		t.Errorf("%d strings: %v", len(names), names)
	}
	for _, name := range names {
		for _, exact := range []string{"\xff", "a\xc3", "\xed\xa0\x80", "\x00\x80\uFFFD"} {
			r := full()
			r.texts(func(n string, s *string) {
				if n == name {
					*s = exact
				}
			})
			want := r.Arrival()
			b, err := r.encode()
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeRecord(b)
			if err != nil {
				t.Fatalf("%s %q: %v", name, exact, err)
			}
			if len(got.Base64) != 1 || got.Base64[name] == "" {
				t.Errorf("%s: base64 is %v", name, got.Base64)
			}
			got.texts(func(n string, s *string) {
				if n == name && *s != exact {
					t.Errorf("%s came back as %q, was %q", name, *s, exact)
				}
			})
			if r.Arrival(); want.Size != got.Size {
				t.Error("record changed")
			}
			if !json.Valid(b) || strings.Contains(string(b), exact) {
				t.Errorf("%s: %q", name, b)
			}
		}
	}
}

func TestDecodeRecord(t *testing.T) {
	const good = `{"format":1,"seq":1,"id":"00000000000000000000000001","size":0,"received":"2026-01-02T03:04:05.006Z"`
	for _, c := range []struct{ what, json, fault string }{
		{"bare", good + `}`, ""},
		{"unknown field", good + `,"later":{"a":[1]}}`, ""},
		{"other kind", good + `,"kind":"outcome"}`, ""},
		{"base64 of an unknown name", good + `,"base64":{"none":"/w=="}}`, ""},
		{"cut", good, "not JSON"},
		{"empty", "", "not JSON"},
		{"two", good + "}" + good + "}", "not JSON"},
		{"format", strings.Replace(good, `t":1`, `t":3`, 1) + `}`, "format 3"},
		{"restored from nothing", good + `,"kind":"restored"}`, "original of record 1"},
		{"restored from a note", good + `,"kind":"restored","original":` + strconv.Quote(good+`,"kind":"x"}`) + `}`, "another content"},
		{"restored from another content", good + `,"kind":"returned","sha256":"` + strings.Repeat("0", 63) + `1","original":` + strconv.Quote(good+`,"kind":"arrival"}`) + `}`, "another content"},
		{"restored", good + `,"kind":"restored","original":` + strconv.Quote(good+`,"kind":"arrival"}`) + `}`, ""},
		{"no seq", strings.Replace(good, `q":1`, `q":0`, 1) + `}`, "lacks"},
		{"negative seq", strings.Replace(good, `q":1`, `q":-1`, 1) + `}`, "not JSON"},
		{"zero ID", strings.Replace(good, `0001"`, `0000"`, 1) + `}`, "lacks"},
		{"short ID", strings.Replace(good, `0001"`, `1"`, 1) + `}`, "not JSON"},
		{"negative size", strings.Replace(good, `e":0`, `e":-1`, 1) + `}`, "lacks"},
		{"size over all bounds", strings.Replace(good, `e":0`, `e":99999999999999999999`, 1) + `}`, "not JSON"},
		{"time", strings.Replace(good, `2026-01`, `2026-13`, 1) + `}`, "no time"},
		{"time in another zone", strings.Replace(good, `006Z`, `006+01:00`, 1) + `}`, "no time"},
		{"base64", good + `,"helo":"x","base64":{"helo":"!"}}`, "base64 of helo"},
		{"short digest", good + `,"prev":"00"}`, "not JSON"},
		{"UUID", good + `,"vault":"x"}`, "not JSON"},
	} {
		_, err := DecodeRecord([]byte(c.json))
		switch {
		case c.fault == "" && err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.fault != "" && (err == nil || !errors.Is(err, mail.ErrDamaged) || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("%s: %v, want %q", c.what, err, c.fault)
		}
	}
}

func TestUUID(t *testing.T) {
	seen := map[UUID]bool{}
	for range 100 {
		u := newUUID()
		text := u.String()
		if seen[u] || len(text) != 36 || text[14] != '4' || !strings.ContainsRune("89ab", rune(text[19])) {
			t.Errorf("%s is no random UUID of version 4", text)
		}
		seen[u] = true
		var back UUID
		if err := back.UnmarshalText([]byte(text)); err != nil || back != u {
			t.Errorf("%s came back as %s (%v)", u, back, err)
		}
	}
	for _, s := range []string{"", "0", strings.Repeat("0", 36), strings.Repeat("0", 32), fmt.Sprintf("%036x", 1) + "0", "g0000000-0000-0000-0000-000000000000"} {
		if err := new(UUID).UnmarshalText([]byte(s)); !errors.Is(err, mail.ErrDamaged) {
			t.Errorf("UUID %q: %v", s, err)
		}
		if err := new(markKey).UnmarshalText([]byte(s)); !errors.Is(err, mail.ErrDamaged) && len(s) != 32 {
			t.Errorf("key %q: %v", s, err)
		}
	}
}
