package access

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

func TestAddAndGet(t *testing.T) {
	l := newLab(t)
	if !l.Empty() || len(l.List()) != 0 {
		t.Error("a new folder has accounts")
	}
	made := l.add(New{
		Name: "Ann", Role: User, Addresses: []Owned{{Address: annAt}, {Address: "old@example.org", Until: day(2020, 1, 1)}},
		Grants: []Grant{RedeliverElsewhere},
	})
	want := Account{
		Name: "ann", Role: User, Addresses: []Owned{{Address: annAt}, {Address: "old@example.org", Until: day(2020, 1, 1)}},
		Grants: []Grant{RedeliverElsewhere}, Source: Local, Created: l.now(), PasswordSet: l.now(),
	}
	for range 2 { // again after a restart
		got, err := l.Get("ANN")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("want (-), got (+), %v:\n%s", err, diff)
		}
		if diff := cmp.Diff([]Account{want}, l.List()); diff != "" {
			t.Errorf("list: want (-), got (+):\n%s", diff)
		}
		l.open()
	}
	made.Addresses[0].Address = "x" // the caller's copy
	if got, _ := l.Get("ann"); got.Addresses[0].Address != annAt {
		t.Error("the account changed")
	}
}

func TestAddRefuses(t *testing.T) {
	l := newLab(t)
	l.ann()
	user := func(name, password string) New { return New{Name: name, Role: User, Password: password} }
	for name, n := range map[string]New{
		"taken":               user("ann", good),
		"taken, other case":   user("ANN", good),
		"no name":             user("", good),
		"name of a flag":      user("-v", good),
		"name with a slash":   user("a/b", good),
		"name with a space":   user("a b", good),
		"long name":           user(strings.Repeat("a", 65), good),
		"short password":      user("bob", "short"),
		"common password":     user("bob", "Password123"),
		"own name":            user("annabelle", "annabelle-2026"),
		"no role":             {Name: "bob", Password: good},
		"unknown role":        {Name: "bob", Role: "root"},
		"no address":          {Name: "bob", Role: User, Addresses: owned1("bob")},
		"user with domains":   {Name: "bob", Role: User, Domains: []string{"example.org"}},
		"auditor of nothing":  {Name: "bob", Role: Auditor},
		"no domain":           {Name: "bob", Role: Auditor, Domains: []string{"a b"}},
		"unknown grant":       {Name: "bob", Role: User, Grants: []Grant{"fly"}},
		"unknown source":      {Name: "bob", Role: User, Source: "moon"},
		"password elsewhere":  {Name: "bob", Role: User, Source: LDAP, Password: good},
		"thousands addresses": {Name: "bob", Role: User, Addresses: make([]Owned, 1001)},
	} {
		if a, err := l.Add(t.Context(), n); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	if len(l.List()) != 1 {
		t.Errorf("there are %v", l.List())
	}
}

func TestSetHoldsAtOnce(t *testing.T) {
	l := newLab(t)
	l.ann()
	e := l.in(Attempt{Name: "ann", Password: good})
	if !e.Identity.Scope.Owns(annAt, l.now()) || e.Identity.Scope.All() {
		t.Error("ann does not see hers")
	}
	_, err := l.Set("ann", func(a *Account) error {
		a.Role, a.Addresses, a.Domains = Auditor, nil, []string{".example.org"}
		a.Name, a.Created, a.SecondFactor = "eve", day(1999, 1, 1), true // not to be set
		return nil
	})
	must(t, err)
	i, err := l.Session(e.Secret)
	must(t, err)
	if i.Scope.Role() != Auditor || i.Scope.Owns(annAt, l.now()) || !i.Scope.covers("x@sub.example.org", l.now()) {
		t.Errorf("the session has still %+v", i.Account)
	}
	if a, _ := l.Get("ann"); !a.Created.Equal(l.now()) || a.SecondFactor {
		t.Errorf("%+v", a)
	}
	refused := errors.New("no")
	_, err = l.Set("ann", func(a *Account) error { a.Role = User; return refused })
	wantErr(t, "a change that says no", err, refused)
	_, err = l.Set("ann", func(a *Account) error { a.Role = User; return nil })
	wantErr(t, "a user with domains", err, mail.ErrBadInput)
	_, err = l.Set("bob", func(*Account) error { return nil })
	wantErr(t, "nobody", err, mail.ErrNotFound)
	if a, _ := l.Get("ann"); a.Role != Auditor {
		t.Errorf("refused, and yet %+v", a)
	}
}

func TestScopeOfName(t *testing.T) {
	l := newLab(t)
	l.ann()
	s, err := l.Scope("ann")
	if err != nil || s.Actor() != "ann" || !s.Owns(annAt, l.now()) {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = l.Scope("bob")
	wantErr(t, "nobody", err, mail.ErrNotFound)
}

func TestLastAdministratorStays(t *testing.T) {
	l := newLab(t)
	l.ann()
	must(t, l.Remove("ann")) // no administrator before, none after
	l.add(New{Name: "root", Role: Administrator})
	l.add(New{Name: "second", Role: Administrator})
	_, err := l.Set("second", func(a *Account) error { a.Disabled = true; return nil })
	must(t, err)
	wantErr(t, "remove", l.Remove("root"), mail.ErrBadInput)
	_, err = l.Set("root", func(a *Account) error { a.Role = User; return nil })
	wantErr(t, "another role", err, mail.ErrBadInput)
	_, err = l.Set("root", func(a *Account) error { a.Disabled = true; return nil })
	wantErr(t, "disable", err, mail.ErrBadInput)
	_, err = l.Set("second", func(a *Account) error { a.Disabled = false; return nil })
	must(t, err)
	must(t, l.Remove("root"))
	wantErr(t, "again", l.Remove("root"), mail.ErrNotFound)
}

// A damaged file keeps everybody out, rather than making room for a first
// account.
func TestDamagedFile(t *testing.T) {
	for name, content := range map[string]string{
		"empty":           ``,
		"cut":             `{"format":1,"accounts":[{"id":"a"`,
		"another format":  `{"format":2,"accounts":[]}`,
		"no format":       `{}`,
		"unknown field":   `{"format":1,"accounts":[],"more":1}`,
		"more":            `{"format":1,"accounts":[]}{}`,
		"null":            `{"format":1,"accounts":[null]}`,
		"no name":         `{"format":1,"accounts":[{"id":"a","role":"user"}]}`,
		"no role":         `{"format":1,"accounts":[{"id":"a","name":"ann"}]}`,
		"a name twice":    `{"format":1,"accounts":[{"id":"a","name":"ann","role":"user"},{"id":"b","name":"ann","role":"user"}]}`,
		"a wrong digest":  `{"format":1,"accounts":[{"id":"a","name":"ann","role":"user","tokens":[{"digest":"x"}]}]}`,
		"a wrong secret":  `{"format":1,"accounts":[{"id":"a","name":"ann","role":"user","totp":{"secret":"?"}}]}`,
		"not even object": `[]`,
	} {
		l := newLab(t)
		put(t, l.disk, accountsFile, content)
		a, err := Open(l.options())
		if !errors.Is(err, mail.ErrDamaged) {
			t.Errorf("%s: %v, %v", name, a, err)
		}
		if got, _ := l.disk.ReadFile(folder + "/" + accountsFile); string(got) != content {
			t.Errorf("%s: the file is now %q", name, got)
		}
	}
}

func put(t *testing.T, d *durabletest.Disk, name, content string) {
	t.Helper()
	f, err := d.OpenFile(folder+"/"+name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	must(t, err)
	_, err = f.Write([]byte(content))
	must(t, err)
	must(t, f.Close())
}

func TestOptionsThatCannotBe(t *testing.T) {
	l := newLab(t)
	_, err := Open(l.options(func(o *Options) { o.Cost = Cost{Memory: 1, Passes: 1, Lanes: 1} }))
	wantErr(t, "a cost", err, mail.ErrBadInput)
	_, err = Open(l.options(func(o *Options) { o.Rules.Fold = nil }))
	wantErr(t, "no rule", err, mail.ErrBadInput)
}

// At each fault and power loss, the accounts are those before the change or
// after it; after it for certain when it said so.
func TestChangesAreWhole(t *testing.T) {
	for n := 1; ; n++ {
		var ends bool
		for _, fault := range []durabletest.Fault{{Cut: true}, {Err: syscall.EIO}, {Err: syscall.ENOSPC, Keep: 5}} {
			l := newLab(t)
			l.ann()
			first := l.disk.Ops()
			l.disk.FailAt(first+n, fault)
			_, err := l.Set("ann", func(a *Account) error { a.Addresses = append(a.Addresses, Owned{Address: bobAt}); return nil })
			ends = l.disk.Ops() < first+n
			if s, _ := l.Scope("ann"); s.Owns(bobAt, l.now()) != (err == nil) {
				t.Fatalf("operation %d, %+v: it says %v, and holds otherwise", n, fault, err)
			}
			l.disk.FailAt(first+n, durabletest.Fault{})
			checkCrashes(t, l, err)
		}
		if ends {
			return
		}
	}
}

func checkCrashes(t *testing.T, l *lab, said error) {
	t.Helper()
	disk := l.disk
	durabletest.Every(2000, func(choose func(int) int) {
		l.disk = disk.Crash(choose)
		after, err := Open(l.options())
		if err != nil {
			t.Fatalf("after a crash: %v", err)
		}
		s, err := after.Scope("ann")
		if err != nil || !s.Owns(annAt, l.now()) || said == nil && !s.Owns(bobAt, l.now()) {
			t.Fatalf("after a crash, the change said %v: %v, %v", said, s.Addresses(), err)
		}
	})
	l.disk = disk
}

// Many change, sign in and read at once; all changes are there in the end.
func TestConcurrentUse(t *testing.T) {
	l := newLab(t)
	l.add(New{Name: "root", Role: Administrator})
	l.ann()
	secret := l.in(Attempt{Name: "root", Password: good}).Secret
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			name := fmt.Sprint("user", i)
			for _, err := range []error{
				second(l.Add(context.Background(), New{Name: name, Role: User, Password: good})),
				second(l.Set("ann", func(a *Account) error {
					a.Addresses = append(a.Addresses, Owned{Address: name + "@example.org"})
					return nil
				})),
				second(l.SignIn(context.Background(), Attempt{Name: name, Password: good, Client: addr(fmt.Sprintf("192.0.2.%d", i))})),
				second(l.Session(secret)),
			} {
				if err != nil {
					t.Error(err)
				}
			}
			l.List()
			l.Sessions("")
		})
	}
	wait.Wait()
	l.open()
	a, err := l.Get("ann")
	if len(l.List()) != 10 || len(a.Addresses) != 9 || len(l.Sessions("")) != 9 || err != nil {
		t.Errorf("%d accounts, %d addresses, %d sessions, %v", len(l.List()), len(a.Addresses), len(l.Sessions("")), err)
	}
}

func second[T any](_ T, err error) error { return err }

// The sample of format 1 is read by every later version (doc/formats).
func TestSampleOfFormat1(t *testing.T) {
	l := newLab(t)
	for _, name := range []string{accountsFile, sessionsFile} {
		b, err := os.ReadFile("testdata/format1/" + name)
		must(t, err)
		put(t, l.disk, name, string(b))
	}
	l.open()
	names := []string{}
	for _, a := range l.List() {
		names = append(names, a.Name)
	}
	if !slices.Equal(names, []string{"ann", "audit", "root"}) {
		t.Errorf("accounts %v", names)
	}
	ann, err := l.Get("ann")
	must(t, err)
	if !ann.SecondFactor || ann.Recovery != 9 || len(ann.Addresses) != 2 || ann.Addresses[1].Until != day(2024, 7, 1) {
		t.Errorf("%+v", ann)
	}
	if sessions := l.Sessions(""); len(sessions) != 1 || sessions[0].Account != "root" {
		t.Errorf("sessions %+v", sessions)
	}
	if tokens, err := l.Tokens("audit"); len(tokens) != 1 || tokens[0].LastUsed.IsZero() || err != nil {
		t.Errorf("tokens %+v, %v", tokens, err)
	}
	l.in(Attempt{Name: "root", Password: good})
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"ann", "Ann", "ann@example.org", "ÄNNE", "a b", "", "-a", "ﬀ", "\u202eann", "ａｎｎ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		folded, err := foldName(s)
		if err != nil {
			if !errors.Is(err, mail.ErrBadInput) || guardName(s) == "" || len(guardName(s)) <= maxName {
				t.Fatalf("%q: %v, counted as %q", s, err, guardName(s))
			}
			return
		}
		if again, err := foldName(folded); again != folded || err != nil || folded == "" || len(folded) > maxName || guardName(s) != folded {
			t.Fatalf("%q becomes %q and then %q, %v", s, folded, again, err)
		}
	})
}

func FuzzAccountsFile(f *testing.F) {
	for _, name := range []string{accountsFile, sessionsFile} {
		b, err := os.ReadFile("testdata/format1/" + name)
		must(f, err)
		f.Add(string(b))
	}
	f.Add(`{"format":1,"accounts":[{"id":"a","name":"ann","role":"auditor","domains":["*","",".","@"],"totp":{"confirmed":true}}]}`)
	f.Fuzz(func(t *testing.T, content string) {
		for _, name := range []string{accountsFile, sessionsFile} {
			l := newLab(t)
			put(t, l.disk, name, content)
			a, err := Open(l.options())
			if err != nil {
				if !errors.Is(err, mail.ErrDamaged) || name == sessionsFile {
					t.Fatalf("%s: %v", name, err)
				}
				continue
			}
			for _, account := range a.List() {
				s := a.o.Rules.scope(&account)
				s.Sees(Message{Senders: []string{"x@y"}, Arrivals: arrivals("", "ann@example.org")})
				_, _ = a.Tokens(account.Name)
			}
			if r := a.state.Load().byName["ann"]; r != nil && r.secondFactor() {
				a.codeIsGood(r, "123456")
			}
			a.Sessions("")
			must(t, a.Close())
		}
	})
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"ann": "ann", " Ann ": "ann", "ANN.Lee_2-x": "ann.lee_2-x", "Ann+x@Example.org": "ann+x@example.org",
		"ÄNNE": "änne", "A\u0308nne": "änne", "ａｎｎ": "ann", "用户": "用户",
		"": "", "-v": "", "a b": "", "a/b": "", "a\\b": "", "a:b": "", "a\u202eb": "", "a\x00": "", "\xff": "", "ﬀ": "", strings.Repeat("ä", 33): "",
	} {
		if got, err := foldName(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", in, got, err, want)
		}
	}
}

func BenchmarkSession(b *testing.B) {
	o := Options{Folder: b.TempDir(), Rules: rules(), Cost: cheap}
	a, err := Open(o)
	must(b, err)
	_, err = a.Add(b.Context(), New{Name: "ann", Role: User, Password: good, Addresses: owned1(annAt)})
	must(b, err)
	e, err := a.SignIn(b.Context(), Attempt{Name: "ann", Password: good})
	must(b, err)
	for b.Loop() {
		_, err := a.Session(e.Secret)
		must(b, err)
	}
}

func BenchmarkChangeAmong5000(b *testing.B) {
	o := Options{Folder: b.TempDir(), FS: durable.OS{}, Rules: rules(), Cost: cheap}
	records := map[string]*record{}
	for i := range 5000 {
		name := fmt.Sprint("user", i)
		records[name] = &record{ID: name, Name: name, Role: User, Source: Local, Password: reference, Addresses: owned1(name + "@example.org")}
	}
	must(b, writeAccounts(o.FS, o.Folder, records))
	a, err := Open(o)
	must(b, err)
	for b.Loop() {
		_, err := a.Set("user7", func(a *Account) error { a.Disabled = !a.Disabled; return nil })
		must(b, err)
	}
}
