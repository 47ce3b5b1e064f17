package access

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func testGuard(l Lockout) (*guard, *clock) {
	c := &clock{t: day(2026, 1, 1)}
	return newGuard(l, c.now), c
}

func TestBackoff(t *testing.T) {
	g, c := testGuard(Lockout{})
	client := addr("192.0.2.1")
	for i := range 5 {
		if wait := g.begin("ann", client); wait != 0 {
			t.Fatalf("attempt %d waits %v", i+1, wait)
		}
	}
	for _, want := range []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
		want *= time.Second
		if wait := g.begin("ann", client); wait != want {
			t.Fatalf("waits %v, want %v", wait, want)
		}
		c.advance(want - 1)
		if wait := g.begin("ann", client); wait != 1 { // trying does not make it longer
			t.Fatalf("waits %v, want 1ns", wait)
		}
		c.advance(1)
		if wait := g.begin("ann", client); wait != 0 {
			t.Fatalf("after %v it waits %v", want, wait)
		}
	}
	if wait := g.begin("ann", addr("192.0.2.2")); wait != 0 {
		t.Errorf("the owner waits %v elsewhere", wait)
	}
	if wait := g.begin("bob", client); wait != 0 {
		t.Errorf("another waits %v", wait)
	}
	c.advance(2 * time.Hour)
	if wait := g.begin("ann", client); wait != 0 {
		t.Errorf("after two hours: %v", wait)
	}
	if wait := g.begin("ann", client); wait != 0 {
		t.Errorf("the failures before are not forgotten: %v", wait)
	}
}

func TestSuccessForgives(t *testing.T) {
	g, _ := testGuard(Lockout{})
	client := addr("192.0.2.1")
	for range 50 {
		for range 4 {
			g.begin("ann", client)
		}
		if wait := g.begin("ann", client); wait != 0 {
			t.Fatalf("waits %v", wait)
		}
		g.succeed("ann", client)
		if len(g.pairs) != 0 {
			t.Fatal("it is remembered")
		}
		g.networks = map[netip.Prefix]time.Time{} // not what is tried here
	}
}

// Many accounts from one network: credential stuffing. An account of their own
// that they sign in to does not help.
func TestNetworkLimit(t *testing.T) {
	g, c := testGuard(Lockout{})
	tried := 0
	for i := range 1000 {
		if g.begin(fmt.Sprint("name", i), addr("192.0.2.1")) > 0 {
			break
		}
		tried++
		if g.begin("own", addr("192.0.2.1")) > 0 {
			break
		}
		g.succeed("own", addr("192.0.2.1"))
	}
	if tried < 99 || tried > 100 {
		t.Errorf("%d attempts", tried)
	}
	if wait := g.begin("name", addr("192.0.2.1")); wait <= 0 || wait > 12*time.Second {
		t.Errorf("waits %v", wait)
	}
	if wait := g.begin("name", addr("192.0.2.2")); wait != 0 {
		t.Errorf("elsewhere: %v", wait)
	}
	c.advance(12 * time.Second)
	if wait := g.begin("name", addr("192.0.2.1")); wait != 0 {
		t.Errorf("after 12 s: %v", wait)
	}
}

func TestNetworks(t *testing.T) {
	for _, c := range []struct{ client, network string }{
		{"192.0.2.1", "192.0.2.1/32"},
		{"::ffff:192.0.2.1", "192.0.2.1/32"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::/64"},
	} {
		if got := networkOf(addr(c.client)).String(); got != c.network {
			t.Errorf("%s is in %s, want %s", c.client, got, c.network)
		}
	}
	if networkOf(netip.Addr{}) != (netip.Prefix{}) {
		t.Error("no address is in a network")
	}
}

// However many names and networks are tried, little is remembered, and the
// locked account stays locked longest.
func TestGuardIsBounded(t *testing.T) {
	g, _ := testGuard(Lockout{Keep: 100})
	for range 6 {
		g.begin("ann", addr("192.0.2.1"))
	}
	for i := range 5000 {
		g.begin(fmt.Sprint("name", i), netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
		if len(g.pairs) > 101 || len(g.networks) > 101 {
			t.Fatalf("%d pairs, %d networks", len(g.pairs), len(g.networks))
		}
	}
	if wait := g.begin("ann", addr("192.0.2.1")); wait == 0 {
		t.Error("the lock was washed away")
	}
}

func TestCodesAreLimitedForAllNetworks(t *testing.T) {
	g, c := testGuard(Lockout{})
	for i := range codeBurst {
		if !g.beginCode("a") {
			t.Fatalf("no after %d", i)
		}
	}
	if g.beginCode("a") || !g.beginCode("b") {
		t.Error("the limit is not the account's")
	}
	c.advance(codeEach)
	if !g.beginCode("a") || g.beginCode("a") {
		t.Error("it is not one more each time")
	}
	g.succeedCode("a")
	if !g.beginCode("a") {
		t.Error("a success counts")
	}
	c.advance(time.Hour * 24)
	g.beginCode("b")
	if len(g.codes) != 1 {
		t.Errorf("%d are remembered", len(g.codes))
	}
}
