package web

import (
	"io/fs"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every language has every text, with the same places for values.
func TestLanguagesAreComplete(t *testing.T) {
	all := loadLocales()
	verbs := regexp.MustCompile(`%[sd]`)
	first := all.list[0]
	if first.tag != usualLanguage || len(all.list) < 2 {
		t.Fatalf("the first of %d languages is %s", len(all.list), first.tag)
	}
	for _, l := range all.list {
		if len(l.months) != 12 || len(l.days) != 7 {
			t.Errorf("%s: months %v, days %v", l.tag, l.months, l.days)
		}
		for _, key := range slices.Sorted(maps.Keys(first.texts)) {
			text, ok := l.texts[key]
			if !ok || text == "" && key != "number.group" {
				t.Errorf("%s lacks %q", l.tag, key)
			}
			if a, b := verbs.FindAllString(first.texts[key], -1), verbs.FindAllString(text, -1); !slices.Equal(a, b) {
				t.Errorf("%s: %q has the values %v, in %s %v", l.tag, key, b, first.tag, a)
			}
		}
		if len(l.texts) != len(first.texts) {
			for key := range l.texts {
				if _, ok := first.texts[key]; !ok {
					t.Errorf("%s has %q, which %s lacks", l.tag, key, first.tag)
				}
			}
		}
	}
}

// Every key that is written in templates and code is there, and every text is
// written somewhere.
func TestEveryTextIsThere(t *testing.T) {
	texts := loadLocales().list[0].texts
	used := map[string]bool{}
	key := regexp.MustCompile(`"([a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*)"`)
	call := regexp.MustCompile(`\.(T|Count) "([^"]+)"`)
	for _, name := range sources(t) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
		}
		for _, m := range call.FindAllStringSubmatch(string(b), -1) {
			found := texts[m[2]] != ""
			if m[1] == "Count" {
				found = texts[m[2]+".one"] != "" && texts[m[2]+".other"] != ""
			}
			if !found {
				t.Errorf("%s: there is no text %q", name, m[2])
			}
		}
	}
	for key := range texts {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(key, ".one"), ".other"), ".hint")
		group, _, _ := strings.Cut(key, ".")
		if !used[key] && !used[base] && !slices.Contains([]string{"field", "op", "way", "role", "scope", "source", "language"}, group) {
			t.Errorf("nobody uses %q", key)
		}
	}
	for _, f := range filterFields() {
		for _, k := range append([]string{"field." + f.Name}, keysOf(f)...) {
			if texts[k] == "" {
				t.Errorf("there is no text %q", k)
			}
		}
	}
}

func keysOf(f filterField) (keys []string) {
	for _, op := range f.Ops {
		keys = append(keys, opKey(f.Name, op))
	}
	return keys
}

// sources are the templates and the code of the package.
func sources(t *testing.T) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(name, "_test.go") && (strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".html")) {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestChooseLanguage(t *testing.T) {
	all := loadLocales()
	for _, c := range []struct{ chosen, accepted, want string }{
		{"", "", "en"}, {"", "de", "de"}, {"", "de-AT,en;q=0.5", "de"}, {"", "fr,de;q=0.8,en;q=0.5", "de"}, {"", "fr", "en"},
		{"de", "en", "de"}, {"xx", "de", "de"}, {"", ";;;", "en"}, {"", strings.Repeat("de,", 10_000), "de"},
	} {
		if got := all.choose(c.chosen, c.accepted).tag; got != c.want {
			t.Errorf("%q of %.40q: %s, want %s", c.chosen, c.accepted, got, c.want)
		}
	}
}

func TestNumbersAndDates(t *testing.T) {
	all := loadLocales()
	en, de := all.choose("en", ""), all.choose("de", "")
	at := time.Date(2026, 3, 7, 9, 5, 3, 42_000_000, time.FixedZone("", 3600))
	for _, c := range []struct{ got, want string }{
		{en.number(1234567), "1,234,567"}, {de.number(1234567), "1.234.567"}, {en.number(999), "999"}, {en.number(-1000), "-1,000"}, {en.number(0), "0"},
		{en.decimal(1.94), "1.9"}, {de.decimal(1.94), "1,9"}, {en.decimal(10), "10"},
		{en.date("date.long", at), "Sat 7 Mar 2026, 09:05:03 +01:00"}, {de.date("date.long", at), "Sa. 7. März 2026, 09:05:03 +01:00"},
		{en.date("date.exact", at), "7 Mar 2026, 09:05:03.042 +01:00"},
		{en.span(59 * time.Second), "59 s"}, {en.span(-time.Second), "0 s"}, {en.span(90 * time.Second), "1 min"}, {en.span(47 * time.Hour), "47 h"}, {de.span(49 * time.Hour), "2 Tagen"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	for bytes, want := range map[int64]string{0: "0 B", 1023: "1,023 B", 1024: "1.0 kB", 1 << 20: "1.0 MB", 1<<20 - 1: "1.0 MB", 15 << 30: "15 GB", 3 << 50: "3,072 TB"} {
		n, unit := en.size(bytes)
		if got := n + " " + unit; got != want {
			t.Errorf("%d bytes are %q, want %q", bytes, got, want)
		}
	}
}

// Dates are those of the viewer's zone, which the script puts into a cookie.
func TestZone(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct{ cookie, want string }{
		{"", "13:32"}, {"Asia%2FTokyo", "22:32"}, {"Asia/Tokyo", "22:32"}, {"..%2F..%2Fetc%2Fpasswd", "13:32"}, {"Local", "13:32"}, {"%zz", "13:32"},
		{strings.Repeat("x", 100), "13:32"},
	} {
		r := l.request(http.MethodGet, "/search?q=x", l.signIn("ann"), nil)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: zoneCookie, Value: c.cookie})
		}
		want(t, "page of "+c.cookie, l.do(r).Body.String(), ">"+c.want+"<")
	}
}

func TestShort(t *testing.T) {
	l := newLab(t)
	v := &visit{s: l.server, words: l.server.locales.list[0], zone: time.UTC, begun: labNow}
	for days, want := range map[int]string{0: "14:32", 1: "23 Nov 14:32", 400: "20 Oct 2025"} {
		if got := v.Short(labNow.AddDate(0, 0, -days)); got != want {
			t.Errorf("%d days ago is %q, want %q", days, got, want)
		}
	}
}
