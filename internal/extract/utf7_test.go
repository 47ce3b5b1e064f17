package extract

import (
	"bytes"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/transform"
)

// plainUTF7 is a slow reading of what stands between + and -.
func plainUTF7(digits string) string {
	if len(digits)%4 == 1 {
		digits = digits[:len(digits)-1]
	}
	raw, err := base64.RawStdEncoding.DecodeString(digits)
	if err != nil {
		return ""
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
	}
	return string(utf16.Decode(units))
}

func TestUTF7Runs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for range 20_000 {
		b := make([]byte, random.IntN(60))
		for i := range b {
			b[i] = alphabet[random.IntN(len(alphabet))]
		}
		if random.IntN(2) == 0 { // surrogates are rare otherwise
			units := []uint16{0x41, 0xd83d, 0xde00, 0xdc00, 0xd800, 0x6f22}
			var raw []byte
			for range random.IntN(8) {
				u := units[random.IntN(len(units))]
				raw = append(raw, byte(u>>8), byte(u))
			}
			b = []byte(base64.RawStdEncoding.EncodeToString(raw))
		}
		var u utf7
		if got, want := string(u.decode(b)), plainUTF7(string(b)); got != want {
			t.Fatalf("%s: %q, want %q", b, got, want)
		}
	}
}

// TestUTF7TakesNoMemory: a text of nothing but runs, each as long as they get.
func TestUTF7TakesNoMemory(t *testing.T) {
	text := bytes.Repeat([]byte("+"), 1<<20)
	allocated := testing.AllocsPerRun(3, func() {
		if _, err := io.Copy(io.Discard, transform.NewReader(bytes.NewReader(text), &utf7{})); err != nil {
			t.Error(err)
		}
	})
	if allocated > 20 {
		t.Errorf("%v allocations for 1 MiB", allocated)
	}
}
