package mail

import (
	"encoding/json"
	"errors"
	"math/bits"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Texts and times from https://github.com/ulid/spec and its README.
var ulidVectors = []struct {
	text  string
	milli int64
}{
	{"01ARYZ6S41TSV4RRFFQ69G5FAV", 1469918176385},
	{"01ARZ3NDEKTSV4RRFFQ69G5FAV", 1469922850259},
	{"01BX5ZZKBKACTAV9WEVGEMMVRY", 1508808576371},
	{"00000000000000000000000000", 0},
	{"7ZZZZZZZZZZZZZZZZZZZZZZZZZ", 1<<48 - 1},
}

func TestULIDVectors(t *testing.T) {
	for _, v := range ulidVectors {
		id, err := ParseID(v.text)
		if err != nil {
			t.Errorf("ParseID(%q): %v", v.text, err)
		}
		if got := id.Time().UnixMilli(); got != v.milli {
			t.Errorf("%s: time %d, want %d", v.text, got, v.milli)
		}
		if id.String() != v.text {
			t.Errorf("%s comes out as %s", v.text, id)
		}
		lower, err := ParseID(strings.ToLower(v.text))
		if err != nil || lower != id {
			t.Errorf("lower case of %s: %s, %v", v.text, lower, err)
		}
	}
}

// The bytes that the specification's layout gives: 48 bits of time, then 80 of
// randomness, most significant first.
func TestULIDBytes(t *testing.T) {
	id := ID{0x01, 0x56, 0x3d, 0xf3, 0x64, 0x81, 0xd6, 0x76, 0x4c, 0x61, 0xef, 0xb9, 0x93, 0x02, 0xbd, 0x5b}
	if got, want := id.String(), "01ARYZ6S41TSV4RRFFQ69G5FAV"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The example of the specification's section Monotonicity.
func TestIDCountsUpWithinAMillisecond(t *testing.T) {
	id, err := ParseID("01BX5ZZKBKACTAV9WEVGEMMVRY")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"01BX5ZZKBKACTAV9WEVGEMMVRZ", "01BX5ZZKBKACTAV9WEVGEMMVS0", "01BX5ZZKBKACTAV9WEVGEMMVS1",
	} {
		if id = NextID(id, id.Time()); id.String() != want {
			t.Errorf("got %s, want %s", id, want)
		}
	}
}

// Where the specification lets making an ID fail, ours goes on into the next
// millisecond.
func TestIDOverflowsIntoTheTime(t *testing.T) {
	prev, err := ParseID("01BX5ZZKBKZZZZZZZZZZZZZZZZ")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := NextID(prev, prev.Time()).String(), "01BX5ZZKBM0000000000000000"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestIDsRiseWhateverTheClockDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := time.UnixMilli(rapid.Int64Range(0, 1<<41).Draw(t, "start"))
		var prev ID
		for _, step := range rapid.SliceOf(rapid.Int64Range(-5000, 5000)).Draw(t, "steps") {
			clock = clock.Add(time.Duration(step) * time.Millisecond / 1000)
			id := NextID(prev, clock)
			if id.String() <= prev.String() || string(id[:]) <= string(prev[:]) {
				t.Fatalf("%s after %s at %v", id, prev, clock)
			}
			if newest := clock.UnixMilli(); newest > prev.Time().UnixMilli() && id.Time().UnixMilli() != newest {
				t.Fatalf("%s made at %v has the time %v", id, clock, id.Time())
			}
			prev = id
		}
	})
}

func TestIDOfAClockBefore1970(t *testing.T) {
	id := NextID(ID{}, time.UnixMilli(-1))
	if !id.Time().Equal(time.UnixMilli(0)) {
		t.Errorf("%s has the time %v, want 1970", id, id.Time())
	}
	now := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	if later := NextID(id, now); !later.Time().Equal(now) {
		t.Errorf("the next has the time %v, want %v", later.Time(), now)
	}
}

func TestIDsOfOneMomentDiffer(t *testing.T) {
	now := time.UnixMilli(1469918176385)
	var ever ID
	seen := map[ID]bool{}
	for range 1000 {
		id := NextID(ID{}, now)
		if seen[id] {
			t.Fatalf("%s was drawn twice", id)
		}
		if id[6]&0x80 != 0 {
			t.Fatalf("%s leaves no room to count up", id)
		}
		seen[id] = true
		for i := range ever {
			ever[i] |= id[i]
		}
	}
	ones := 0
	for _, b := range ever[6:] {
		ones += bits.OnesCount8(b)
	}
	if ones != 79 {
		t.Errorf("%d of 79 random bits were ever set", ones)
	}
}

func TestParseIDRefuses(t *testing.T) {
	for _, s := range []string{
		"",
		"01ARYZ6S41TSV4RRFFQ69G5FA",   // 25
		"01ARYZ6S41TSV4RRFFQ69G5FAVV", // 27
		"80000000000000000000000000",  // over 128 bits, as the specification says
		"ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
		"01ARYZ6S41TSV4RRFFQ69G5FAI", // look-alikes
		"01ARYZ6S41TSV4RRFFQ69G5FAL",
		"01ARYZ6S41TSV4RRFFQ69G5FAO",
		"01ARYZ6S41TSV4RRFFQ69G5FAU",
		"01ARYZ6S41TSV4RRFFQ69G5FA ",
		"01ARYZ6S41-SV4RRFFQ69G5FAV",
		"/1ARYZ6S41TSV4RRFFQ69G5FAV",
		"01ARYZ6S41TSV4RRFFQ69G5Fſ", // 26 bytes, 25 letters in upper case
		"01ARYZ6S41TSV4RRFFQ69G5FA\x00",
		"01ARYZ6S41TSV4RRFFQ69G5FA\xff",
	} {
		id, err := ParseID(s)
		if !errors.Is(err, ErrBadInput) || !id.IsZero() {
			t.Errorf("ParseID(%q) = %s, %v; want ErrBadInput", s, id, err)
		}
	}
}

func TestIDRange(t *testing.T) {
	for _, c := range []struct{ prefix, first, last string }{
		{"0", "00000000000000000000000000", "0ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
		{"7", "70000000000000000000000000", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
		{"01ary", "01ARY000000000000000000000", "01ARYZZZZZZZZZZZZZZZZZZZZZ"},
		{"01ARYZ6S41TSV4RRFFQ69G5FAV", "01ARYZ6S41TSV4RRFFQ69G5FAV", "01ARYZ6S41TSV4RRFFQ69G5FAV"},
	} {
		first, last, err := IDRange(c.prefix)
		if err != nil || first.String() != c.first || last.String() != c.last {
			t.Errorf("IDRange(%q) = %s, %s, %v; want %s, %s", c.prefix, first, last, err, c.first, c.last)
		}
	}
}

func TestIDRangeRefuses(t *testing.T) {
	for _, prefix := range []string{"", "8", "01ARYU", "0 ", "ſ", "01ARYZ6S41TSV4RRFFQ69G5FAV0"} {
		first, last, err := IDRange(prefix)
		if !errors.Is(err, ErrBadInput) || !first.IsZero() || !last.IsZero() {
			t.Errorf("IDRange(%q) = %s, %s, %v; want ErrBadInput", prefix, first, last, err)
		}
		if err != nil && strings.Contains(err.Error(), "000000") {
			t.Errorf("IDRange(%q) speaks of what nobody typed: %v", prefix, err)
		}
	}
}

func TestIDInJSON(t *testing.T) {
	want := map[string]ID{"id": {1, 2, 3, 15: 0xff}}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]ID
	if err := json.Unmarshal(b, &got); err != nil || got["id"] != want["id"] {
		t.Errorf("%s comes back as %v, %v", b, got, err)
	}
	if err := json.Unmarshal([]byte(`{"id":"short"}`), &got); !errors.Is(err, ErrBadInput) {
		t.Errorf("a short one: %v", err)
	}
}

func FuzzParseID(f *testing.F) {
	for _, v := range ulidVectors {
		f.Add(v.text)
	}
	f.Add("80000000000000000000000000")
	f.Add("01arYZ6S41TSV4RRFFQ69G5Fſ")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			if !errors.Is(err, ErrBadInput) {
				t.Fatalf("ParseID(%q): %v is not ErrBadInput", s, err)
			}
			return
		}
		if got := id.String(); got != strings.ToUpper(s) {
			t.Fatalf("%q comes out as %q", s, got)
		}
		for n := 1; n <= IDLength; n++ {
			first, last, err := IDRange(s[:n])
			if err != nil || first.String() > id.String() || last.String() < id.String() {
				t.Fatalf("IDRange(%q) = %s, %s, %v without %s", s[:n], first, last, err, id)
			}
		}
	})
}
