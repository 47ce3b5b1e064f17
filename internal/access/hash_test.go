package access

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"

	"mailarchive/internal/mail"
)

// Made by the reference implementation (phc-winner-argon2, src/test.c, version
// 0x13 of Argon2id with the salt "somesalt").
const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

func testHasher(t testing.TB, cost Cost) *hasher {
	h, err := newHasher(cost, 2, rand.Reader)
	must(t, err)
	return h
}

func TestHashOfTheReferenceImplementation(t *testing.T) {
	h := testHasher(t, cheap)
	for password, want := range map[string]bool{"password": true, "differentpassword": false} {
		ok, stale, err := h.verify(t.Context(), reference, password)
		if ok != want || stale != want || err != nil {
			t.Errorf("%q: ok %t, stale %t, %v", password, ok, stale, err)
		}
	}
}

func TestHashes(t *testing.T) {
	h := testHasher(t, cheap)
	one, err := h.hash(t.Context(), good)
	must(t, err)
	two, err := h.hash(t.Context(), good)
	must(t, err)
	if one == two {
		t.Error("two hashes have one salt")
	}
	if !strings.HasPrefix(one, "$argon2id$v=19$m=8,t=1,p=1$") || strings.Contains(one, good) {
		t.Errorf("hash %s", one)
	}
	ok, stale, err := h.verify(t.Context(), one, good)
	if !ok || stale || err != nil {
		t.Errorf("right: %t, stale %t, %v", ok, stale, err)
	}
	for _, wrong := range []struct{ stored, password string }{{one, ""}, {one, good + " "}, {"", ""}, {"", good}, {"$argon2id$", good}} {
		if ok, _, err := h.verify(t.Context(), wrong.stored, wrong.password); ok || err != nil {
			t.Errorf("%q matches %q: %t, %v", wrong.password, wrong.stored, ok, err)
		}
	}
	costly := testHasher(t, Cost{Memory: 16, Passes: 1, Lanes: 1})
	if ok, stale, err := costly.verify(t.Context(), one, good); !ok || !stale || err != nil {
		t.Errorf("at another cost: %t, stale %t, %v", ok, stale, err)
	}
}

func TestNotAHash(t *testing.T) {
	for _, s := range []string{
		"", "$", "password", strings.Replace(reference, "argon2id", "argon2i", 1), strings.Replace(reference, "v=19", "v=16", 1),
		strings.Replace(reference, "m=65536", "m=4294967295", 1), strings.Replace(reference, "m=65536", "m=1048577", 1),
		strings.Replace(reference, "m=65536", "m=7", 1), strings.Replace(reference, "m=65536", "m=065536", 1),
		strings.Replace(reference, "t=2", "t=0", 1), strings.Replace(reference, "t=2", "t=17", 1),
		strings.Replace(reference, "p=1", "p=0", 1), strings.Replace(reference, "p=1", "p=257", 1),
		strings.Replace(reference, "m=65536,t=2,p=1", "t=2,m=65536,p=1", 1), strings.Replace(reference, ",p=1", "", 1),
		strings.Replace(reference, "c29tZXNhbHQ", "c2FsdA", 1), reference + "=", reference + "$", reference + strings.Repeat("A", 400),
		strings.Replace(reference, "GRPPc", "GRPPd", 1), // bits that mean nothing are not zero
	} {
		if h, err := parseHashed(s); err == nil {
			t.Errorf("%q is the hash %v", s, h)
		}
	}
}

func FuzzParseHashed(f *testing.F) {
	f.Add(reference)
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHashed(s)
		if err == nil && (h.String() != s || !h.cost.valid()) {
			t.Fatalf("%q comes out as %q", s, h)
		}
	})
}

func TestCostsThereAreNot(t *testing.T) {
	for _, c := range []Cost{{}, {8, 0, 1}, {8, 1, 0}, {8, 1, 2}, {1 << 30, 1, 1}} {
		if _, err := newHasher(c, 1, rand.Reader); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if !DefaultCost().valid() {
		t.Error("the default is none")
	}
}

// With all slots taken some wait, and the rest are sent away.
func TestHashesAreBounded(t *testing.T) {
	h := testHasher(t, cheap)
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	results := make(chan error, 100)
	for range waitersPerHashSlot*cap(h.slots) + 10 {
		wait.Go(func() {
			_, err := h.hash(ctx, good)
			results <- err
		})
	}
	for range 10 {
		wantErr(t, "one too many", <-results, mail.ErrRetry)
	}
	cancel()
	wait.Wait()
	close(results)
	for err := range results {
		wantErr(t, "one that waited", err, context.Canceled)
	}
	<-h.slots
	if _, err := h.hash(t.Context(), good); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func BenchmarkDefaultHash(b *testing.B) {
	h := testHasher(b, DefaultCost())
	for b.Loop() {
		if _, err := h.hash(b.Context(), good); err != nil {
			b.Fatal(err)
		}
	}
}
