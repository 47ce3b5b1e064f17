package control

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

func TestLengthOfEnvelope(t *testing.T) {
	for _, length := range []string{"", "-1", "x", "99999999999"} {
		if _, err := readEnvelope(nil, length); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("%q: %v", length, err)
		}
	}
}

// Any envelope text comes back as it went; any bytes are read or refused.
func FuzzEnvelope(f *testing.F) {
	f.Add("a\xff", "b", []byte(`{"to":[{"address":{"base64":"eA=="}}]}`))
	f.Add("", "ü", []byte(`{"origin":{"delivered":"2026-01-01T00:00:00Z"}}`))
	f.Fuzz(func(t *testing.T, a, b string, wire []byte) {
		want := mail.Envelope{
			Source: a, From: mail.Address(b), FromParams: []string{a, b},
			To:     []mail.Recipient{{Address: mail.Address(a), Params: []string{b}}},
			Origin: &mail.Origin{Path: b, FromLine: a},
		}
		encoded, err := encodeEnvelope(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeEnvelope(encoded)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%s: %v %s", encoded, err, diff)
		}
		if _, err := decodeEnvelope(wire); err != nil && !errors.Is(err, mail.ErrBadInput) {
			t.Fatalf("%q: %v", wire, err)
		}
	})
}
