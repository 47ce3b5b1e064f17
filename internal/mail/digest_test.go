package mail

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// FIPS 180-4 examples, as published by NIST.
func TestSum(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{
			"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
		},
	} {
		got := Sum([]byte(c.in))
		if got.String() != c.want {
			t.Errorf("Sum(%q) = %s, want %s", c.in, got, c.want)
		}
		back, err := ParseDigest(strings.ToUpper(c.want))
		if err != nil || back != got {
			t.Errorf("ParseDigest(%s) = %s, %v", c.want, back, err)
		}
	}
}

func TestParseDigestRefuses(t *testing.T) {
	good := Sum(nil).String()
	for _, s := range []string{"", good[1:], good[2:], good + "0", good + "00", "g" + good[1:], " " + good[1:]} {
		d, err := ParseDigest(s)
		if !errors.Is(err, ErrBadInput) || d != (Digest{}) {
			t.Errorf("ParseDigest(%q) = %s, %v; want ErrBadInput", s, d, err)
		}
	}
}

func TestDigestInJSON(t *testing.T) {
	want := Sum([]byte("abc"))
	b, err := json.Marshal(want)
	if err != nil || string(b) != `"`+want.String()+`"` {
		t.Fatalf("%s, %v", b, err)
	}
	var got Digest
	if err := json.Unmarshal(b, &got); err != nil || got != want {
		t.Errorf("%s comes back as %s, %v", b, got, err)
	}
	if err := json.Unmarshal([]byte(`"abc"`), &got); !errors.Is(err, ErrBadInput) {
		t.Errorf("a short one: %v", err)
	}
}

func FuzzParseDigest(f *testing.F) {
	f.Add(Sum(nil).String())
	f.Add("00")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDigest(s)
		if err == nil && d.String() != strings.ToLower(s) {
			t.Fatalf("%q comes out as %s", s, d)
		}
		if err != nil && !errors.Is(err, ErrBadInput) {
			t.Fatalf("ParseDigest(%q): %v is not ErrBadInput", s, err)
		}
	})
}
