package access

import (
	"maps"
	"net/netip"
	"sync"
	"time"
)

// Lockout says how failed sign-ins slow down the next ones. The zero value of
// a field is its default.
type Lockout struct {
	// Free is how many attempts on one account from one network are not slowed
	// down; default 5.
	Free int
	// First is the wait after them, doubled with each further failure up to
	// Longest; defaults 2 s and 15 min.
	First, Longest time.Duration
	// Forget is when failures on an account from a network are forgotten after
	// the last one; default 1 h.
	Forget time.Duration
	// NetworkBurst is how many attempts on any accounts one network may fail
	// in a row, and NetworkEach how often one more after that; defaults 100
	// and 6 s. An office is one network.
	NetworkBurst int
	NetworkEach  time.Duration
	// Keep bounds how many accounts and networks are remembered; default
	// 20,000 of both.
	Keep int
}

func (l Lockout) withDefaults() Lockout {
	def(&l.Free, 5)
	def(&l.First, 2*time.Second)
	def(&l.Longest, 15*time.Minute)
	def(&l.Forget, time.Hour)
	def(&l.NetworkBurst, 100)
	def(&l.NetworkEach, 6*time.Second)
	def(&l.Keep, 20_000)
	return l
}

// def sets what has its zero value.
func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// guard counts attempts to sign in. An attempt counts as failed from its
// beginning, so that many at once are no way around the limits. It is kept in
// memory only: who can restart the archive needs no password.
type guard struct {
	Lockout
	now func() time.Time

	mu       sync.Mutex
	pairs    map[pair]*strikes
	networks map[netip.Prefix]time.Time // when all of its attempts are paid for
	codes    map[string]time.Time       // the same for the codes of a record
}

// Codes of one account that may be wrong in a row, and how often one more: a
// guess is right once in 333,333 times, so once in three years.
const (
	codeBurst = 10
	codeEach  = 5 * time.Minute
)

type pair struct {
	name    string // of an account or not: both look the same
	network netip.Prefix
}

type strikes struct {
	count       int
	last, until time.Time
}

func newGuard(l Lockout, now func() time.Time) *guard {
	return &guard{
		Lockout: l.withDefaults(), now: now,
		pairs: map[pair]*strikes{}, networks: map[netip.Prefix]time.Time{}, codes: map[string]time.Time{},
	}
}

// networkOf is what one client can easily have addresses in: the one address
// of IPv4, the /64 of IPv6 (RFC 4291 2.5.4).
func networkOf(client netip.Addr) netip.Prefix {
	client = client.Unmap().WithZone("")
	bits := client.BitLen()
	if client.Is6() {
		bits = 64
	}
	prefix, _ := client.Prefix(bits) // of no address: the zero Prefix
	return prefix
}

// begin counts an attempt, or returns how long the next one must wait.
func (g *guard) begin(name string, client netip.Addr) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, p := g.now(), pair{name, networkOf(client)}
	s := g.pairs[p]
	if s == nil || now.Sub(s.last) > g.Forget {
		s = &strikes{}
	}
	if wait := s.until.Sub(now); wait > 0 {
		return wait
	}
	paid := later(g.networks[p.network], now)
	if wait := paid.Sub(now) - time.Duration(g.NetworkBurst-1)*g.NetworkEach; wait > 0 {
		return wait
	}
	s.count++
	s.last, s.until = now, now.Add(g.delay(s.count))
	g.makeRoom(now)
	g.pairs[p] = s
	g.networks[p.network] = paid.Add(g.NetworkEach)
	return 0
}

// succeed takes the attempt back, and the failures on that account from that
// network with it. What the network failed on other accounts stays.
func (g *guard) succeed(name string, client netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := pair{name, networkOf(client)}
	delete(g.pairs, p)
	if paid, ok := g.networks[p.network]; ok {
		g.networks[p.network] = paid.Add(-g.NetworkEach)
	}
}

// beginCode counts a code of the second factor, or says no.
func (g *guard) beginCode(record string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	paid := later(g.codes[record], now)
	if paid.Sub(now) > (codeBurst-1)*codeEach {
		return false
	}
	maps.DeleteFunc(g.codes, func(_ string, paid time.Time) bool { return paid.Before(now) })
	g.codes[record] = paid.Add(codeEach)
	return true
}

// succeedCode takes it back.
func (g *guard) succeedCode(record string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.codes[record] = g.codes[record].Add(-codeEach)
}

// delay is the wait after that many failures.
func (g *guard) delay(count int) time.Duration {
	if count < g.Free {
		return 0
	}
	d := g.First
	for range count - g.Free {
		if d *= 2; d >= g.Longest {
			break
		}
	}
	return min(d, g.Longest)
}

// makeRoom forgets what is over, and of too many pairs a part, whichever come
// first: nobody can choose which.
func (g *guard) makeRoom(now time.Time) {
	if len(g.pairs) >= g.Keep {
		for p, s := range g.pairs {
			if now.Sub(s.last) > g.Forget || len(g.pairs) > g.Keep*7/8 && s.count < g.Free {
				delete(g.pairs, p)
			}
		}
		for p := range g.pairs {
			if len(g.pairs) <= g.Keep*7/8 {
				break
			}
			delete(g.pairs, p)
		}
	}
	if len(g.networks) >= g.Keep {
		for n, paid := range g.networks {
			if !paid.After(now) || len(g.networks) > g.Keep*7/8 {
				delete(g.networks, n)
			}
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
