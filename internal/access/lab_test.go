package access

import (
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	words "mailarchive/internal/catalog/token"
	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
)

// fold is what the archive gives for Rules.Fold.
func fold(address string) (whole, domain string) {
	p := words.Address(address)
	return p.Whole, p.Domain
}

func rules() Rules { return Rules{Fold: fold} }

// cheap is the least that Argon2id allows, for tests.
var cheap = Cost{Memory: 8, Passes: 1, Lanes: 1}

// clock goes only when it is told to.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// lab has accounts on a disk in memory.
type lab struct {
	*Accounts
	*clock
	disk *durabletest.Disk
	t    *testing.T
}

const folder = "/access"

func newLab(t *testing.T, change ...func(*Options)) *lab {
	t.Helper()
	l := &lab{t: t, clock: &clock{t: day(2026, 11, 25).Add(9 * time.Hour)}, disk: durabletest.New(durabletest.Options{})}
	must(t, durable.MakeFolder(l.disk, folder, 0o700))
	l.open(change...)
	return l
}

func (l *lab) options(change ...func(*Options)) Options {
	o := Options{Folder: folder, FS: l.disk, Now: l.now, Rules: rules(), Cost: cheap, Lifetime: 48 * time.Hour, Idle: 12 * time.Hour}
	for _, c := range change {
		c(&o)
	}
	return o
}

// open opens the accounts, again after a restart.
func (l *lab) open(change ...func(*Options)) {
	l.t.Helper()
	a, err := Open(l.options(change...))
	must(l.t, err)
	l.Accounts = a
}

const good = "six wet otters"

func (l *lab) add(n New) Account {
	l.t.Helper()
	if n.Password == "" {
		n.Password = good
	}
	a, err := l.Add(l.t.Context(), n)
	must(l.t, err)
	return a
}

// ann adds a user.
func (l *lab) ann() Account {
	return l.add(New{Name: "ann", Role: User, Addresses: owned1("ann@example.org")})
}

func (l *lab) in(t Attempt) Entry {
	l.t.Helper()
	e, err := l.SignIn(l.t.Context(), t)
	must(l.t, err)
	return e
}

func owned1(address string) []Owned { return []Owned{{Address: address}} }

func day(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}
