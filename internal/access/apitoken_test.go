package access

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

func reader(role Role) Token {
	return Token{Label: "test", Role: role, Rights: []Right{ToSearch, ToRead}}
}

func TestTokens(t *testing.T) {
	l := newLab(t)
	l.ann()
	wanted := Token{Label: "backup", Role: User, Rights: []Right{ToSearch}, Expires: l.now().Add(time.Hour)}
	secret, made, err := l.AddToken("ann", wanted)
	must(t, err)
	wanted.ID, wanted.Created = made.ID, l.now()
	if diff := cmp.Diff(wanted, made, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if !strings.HasPrefix(secret, "mailarchive_") || len(secret) < 50 {
		t.Errorf("secret %q", secret)
	}
	i, err := l.Bearer(secret, addr("192.0.2.1"))
	must(t, err)
	if i.Account.Name != "ann" || i.Token != made.ID || i.Session != "" || !i.May(ToSearch) || i.May(ToRead) || i.May(ToManage) {
		t.Errorf("%+v", i)
	}
	must(t, l.Close())
	l.open()
	list, err := l.Tokens("ann")
	if err != nil || len(list) != 1 || !list[0].LastUsed.Equal(l.now()) || list[0].From != addr("192.0.2.1") {
		t.Errorf("%+v, %v", list, err)
	}
	for _, name := range []string{accountsFile, sessionsFile} {
		if b, _ := l.disk.ReadFile(folder + "/" + name); strings.Contains(string(b), strings.TrimPrefix(secret, TokenPrefix)) {
			t.Errorf("the secret is in %s", name)
		}
	}
	l.advance(time.Hour)
	_, err = l.Bearer(secret, netip.Addr{})
	wantErr(t, "too old", err, ErrSignIn)
}

func TestTokensEnd(t *testing.T) {
	for name, act := range map[string]func(l *lab, id string) error{
		"revoked": func(l *lab, id string) error { return l.RemoveToken("ann", id) },
		"disabled": func(l *lab, _ string) error {
			return second(l.Set("ann", func(a *Account) error { a.Disabled = true; return nil }))
		},
		"removed": func(l *lab, _ string) error { return l.Remove("ann") },
	} {
		l := newLab(t)
		l.ann()
		secret, made, err := l.AddToken("ann", reader(User))
		must(t, err)
		must(t, second(l.Bearer(secret, netip.Addr{})))
		must(t, act(l, made.ID))
		for range 2 {
			_, err = l.Bearer(secret, netip.Addr{})
			wantErr(t, name, err, ErrSignIn)
			l.disk = l.disk.Crash(durabletest.Nothing)
			l.open()
		}
	}
	l := newLab(t)
	l.ann()
	e := l.in(Attempt{Name: "ann", Password: good})
	for _, secret := range []string{"", TokenPrefix, e.Secret, TokenPrefix + e.Secret} {
		_, err := l.Bearer(secret, netip.Addr{})
		wantErr(t, secret, err, ErrSignIn)
	}
	wantErr(t, "no such token", l.RemoveToken("ann", "x"), mail.ErrNotFound)
	wantErr(t, "nobody's", l.RemoveToken("nobody", "x"), mail.ErrNotFound)
	_, err := l.Tokens("nobody")
	wantErr(t, "nobody's", err, mail.ErrNotFound)
}

func TestAddTokenRefuses(t *testing.T) {
	l := newLab(t)
	l.ann()
	l.add(New{Name: "audit", Role: Auditor, Domains: []string{"*"}})
	l.add(New{Name: "root", Role: Administrator})
	with := func(role Role, change func(*Token)) Token {
		k := reader(role)
		change(&k)
		return k
	}
	for i, c := range []struct {
		name string
		t    Token
	}{
		{"ann", reader(Auditor)}, {"ann", reader(Administrator)}, {"audit", reader(Administrator)},
		{"ann", reader("")}, {"ann", reader("root")},
		{"ann", with(User, func(k *Token) { k.Label = "" })},
		{"ann", with(User, func(k *Token) { k.Label = strings.Repeat("x", 201) })},
		{"ann", with(User, func(k *Token) { k.Rights = nil })},
		{"ann", with(User, func(k *Token) { k.Rights = []Right{"fly"} })},
		{"ann", with(User, func(k *Token) { k.Rights = []Right{ToManage} })},
		{"root", with(Auditor, func(k *Token) { k.Rights = []Right{ToManage} })},
		{"ann", with(User, func(k *Token) { k.Expires = l.now() })},
		{"ann", with(User, func(k *Token) { k.Addresses = []string{"ann"} })},
		{"ann", with(User, func(k *Token) { k.Domains = []string{"example.org"} })},
		{"audit", with(Auditor, func(k *Token) { k.Domains = []string{"a b"} })},
		{"root", with(Administrator, func(k *Token) { k.Domains = []string{"example.org"} })},
	} {
		if _, _, err := l.AddToken(c.name, c.t); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("%d, %s: %+v: %v", i, c.name, c.t, err)
		}
	}
	_, _, err := l.AddToken("nobody", reader(User))
	wantErr(t, "nobody", err, mail.ErrNotFound)
	for i := range maxTokens {
		if _, _, err := l.AddToken("ann", reader(User)); err != nil {
			t.Fatal(i, err)
		}
	}
	_, _, err = l.AddToken("ann", reader(User))
	wantErr(t, "too many", err, mail.ErrBadInput)
}

// What a token sees is never more than its account does, at any time.
func TestTokenScopes(t *testing.T) {
	root := Account{Role: Administrator, Addresses: owned1("root@example.org")}
	all := Account{Role: Auditor, Domains: []string{"*"}}
	some := Account{Role: Auditor, Domains: []string{".example.org", "other.example"}, Addresses: owned1("x@third.example")}
	user := Account{Role: User, Addresses: []Owned{{Address: annAt}, {Address: "old@example.org", Until: day(2020, 1, 1)}}}
	for _, c := range []struct {
		account Account
		token   token
		role    Role
		want    string // what of a list of addresses is seen in 2026
	}{
		{root, token{Role: Administrator}, Administrator, "everything"},
		{root, token{Role: Auditor}, Auditor, "everything"},
		{root, token{Role: Auditor, Domains: []string{"other.example"}}, Auditor, "y@other.example"},
		{root, token{Role: User}, User, "root@example.org"},
		{root, token{Role: User, Addresses: []string{annAt}}, User, annAt},
		{all, token{Role: Administrator}, Auditor, "everything"}, // its account was one
		{all, token{Role: Auditor, Addresses: []string{annAt}}, Auditor, annAt},
		{some, token{Role: Auditor}, Auditor, "root@example.org ann@example.org old@example.org z@sub.example.org y@other.example x@third.example"},
		{some, token{Role: Auditor, Domains: []string{"sub.example.org", "elsewhere.example", ".other.example"}}, Auditor, "z@sub.example.org"},
		{some, token{Role: Auditor, Domains: []string{".example"}}, Auditor, ""},
		{some, token{Role: Auditor, Addresses: []string{annAt, "y@elsewhere.example", "x@third.example"}}, Auditor, "ann@example.org x@third.example"},
		{some, token{Role: User}, User, "x@third.example"},
		{user, token{Role: User}, User, annAt},
		{user, token{Role: User, Addresses: []string{"old@example.org"}}, User, ""}, // not in 2026
		{user, token{Role: User, Addresses: []string{"root@example.org"}}, User, ""},
		{user, token{Role: Administrator}, User, annAt},
		{user, token{Role: Auditor, Domains: []string{"example.org"}, Addresses: []string{annAt}}, User, annAt},
		{user, token{Role: Auditor, Domains: []string{"example.org"}}, User, ""},
	} {
		s := rules().narrowed(&c.account, &c.token)
		got := "everything"
		if !s.All() {
			var seen []string
			for _, a := range []string{"root@example.org", annAt, "old@example.org", "z@sub.example.org", "y@other.example", "x@third.example", "y@elsewhere.example"} {
				if s.Sees(Message{Arrivals: arrivals("", a)}) {
					seen = append(seen, a)
				}
			}
			got = strings.Join(seen, " ")
		}
		if got != c.want || s.Role() != c.role {
			t.Errorf("%s with %+v: %s sees %q, want %s, %q", c.account.Role, c.token, s.Role(), got, c.role, c.want)
		}
	}
}

func TestTokenOfAFallenAdministrator(t *testing.T) {
	l := newLab(t)
	l.add(New{Name: "root", Role: Administrator})
	l.add(New{Name: "boss", Role: Administrator, Addresses: owned1(boss)})
	secret, _, err := l.AddToken("boss", Token{Label: "x", Role: Administrator, Rights: Rights()})
	must(t, err)
	i, err := l.Bearer(secret, netip.Addr{})
	must(t, err)
	if !i.May(ToManage) || !i.Scope.All() {
		t.Error("it may not manage")
	}
	must(t, second(l.Set("boss", func(a *Account) error { a.Role = User; return nil })))
	i, err = l.Bearer(secret, netip.Addr{})
	must(t, err)
	if i.May(ToManage) || i.Scope.All() || i.Scope.Whole() || !i.Scope.Owns(boss, l.now()) {
		t.Errorf("it still is %s", fmt.Sprint(i.Scope.Role()))
	}
}
