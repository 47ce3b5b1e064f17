package app

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"mailarchive/internal/audit"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// browser is a client with a cookie jar, on the pages of an archive.
type browser struct {
	t      *testing.T
	client *http.Client
	base   string
}

func browse(t *testing.T, a *App) *browser {
	t.Helper()
	s := httptest.NewServer(a.pages())
	t.Cleanup(s.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, client: &http.Client{Jar: jar}, base: s.URL}
}

func (b *browser) answer(r *http.Response, err error) (int, string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

func (b *browser) get(path string) (int, string) { return b.answer(b.client.Get(b.base + path)) }

func (b *browser) signIn(name, password string) (int, string) {
	return b.answer(b.client.PostForm(b.base+"/sign-in", url.Values{"name": {name}, "password": {password}}))
}

// acts are the newest acts in the audit record, the last first.
func acts(t *testing.T, a *App) (list []string) {
	t.Helper()
	err := a.audit.Walk(t.Context(), audit.Filter{Newest: true}, func(e audit.Entry) error {
		list = append(list, strings.TrimSpace(e.Actor+" "+string(e.Act)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// The pages show mail to who signed in, and the record says so.
func TestPagesNeedASignIn(t *testing.T) {
	a := opened(t, configured(t))
	arrival := accept(t, a, mail.Envelope{Source: "smtp"}, "budget")
	subjects(t, a, "")
	const password = "Dampf-Lokomotive-8"
	if _, err := a.ActOnUser(t.Context(), everything, control.UserRequest{Action: control.UserAdd, Name: "root", Role: "administrator", Password: password}); err != nil {
		t.Fatal(err)
	}
	b := browse(t, a)
	for _, path := range []string{"/search?q=budget", "/message/" + arrival.ID.String(), "/overview"} {
		if _, body := b.get(path); strings.Contains(body, "text of budget") || strings.Contains(body, arrival.Digest.String()) || !strings.Contains(body, `name="password"`) {
			t.Errorf("%s shows something to a stranger", path)
		}
	}
	if _, body := b.signIn("root", "wrong"); !strings.Contains(body, `name="password"`) {
		t.Error("signed in with a wrong password")
	}
	if status, _ := b.signIn("root", password); status != http.StatusOK {
		t.Fatalf("sign-in: %d", status)
	}
	if status, body := b.get("/search?q=budget"); status != http.StatusOK || !strings.Contains(body, "budget") || !strings.Contains(body, arrival.ID.String()) {
		t.Errorf("search: %d, %s", status, body)
	}
	if status, body := b.get("/message/" + arrival.ID.String()); status != http.StatusOK || !strings.Contains(body, arrival.Digest.String()) {
		t.Errorf("message: %d", status)
	}
	if status, _ := b.get("/healthz"); status != http.StatusOK {
		t.Errorf("health: %d", status)
	}
	record := strings.Join(acts(t, a), "\n")
	for _, want := range []string{"root sign-in", "root sign-in-failed", "root search", "root show"} {
		if !strings.Contains(record, want) {
			t.Errorf("%q is not in the record:\n%s", want, record)
		}
	}
}

// What cannot be recorded does not happen.
func TestNothingWithoutARecord(t *testing.T) {
	a := opened(t, configured(t))
	arrival := accept(t, a, mail.Envelope{Source: "smtp"}, "budget")
	subjects(t, a, "")
	if err := a.audit.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Search(t.Context(), everything, control.SearchRequest{Query: "budget"}, func(control.Hit) error {
		t.Error("a hit without a record")
		return nil
	}); err == nil {
		t.Error("search answered")
	}
	if _, err := raw(a, arrival.ID); err == nil {
		t.Error("raw answered")
	}
	if _, err := a.Show(t.Context(), everything, arrival.ID.String()); err == nil {
		t.Error("show answered")
	}
	err := a.Fetch(t.Context(), everything, control.FetchRequest{}, func(control.Fetched) error {
		t.Error("a message without a record")
		return nil
	})
	if err == nil {
		t.Error("fetch answered")
	}
	if _, err := a.Seal(t.Context(), everything, thisMonth(), control.Report{}); err == nil || len(a.vault.Sealed()) > 0 {
		t.Errorf("sealed without a record: %v", err)
	}
	r, err := a.Redeliver(t.Context(), everything, control.RedeliverRequest{Refs: []string{arrival.ID.String()}, To: []string{"x@y.example"}, External: true})
	if err == nil || len(a.queue.List()) > 0 {
		t.Errorf("redelivered without a record: %+v, %v", r, err)
	}
}

// The link of the first start makes one account, once.
func TestFirstAccount(t *testing.T) {
	a := opened(t, configured(t))
	b := browse(t, a)
	link := strings.TrimPrefix(a.setupLink("archive.example"), "http://archive.example")
	if status, body := b.get(link); status != http.StatusOK || !strings.Contains(body, `name="link"`) {
		t.Fatalf("setup page: %d, %s", status, body)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	const password = "Dampf-Lokomotive-8"
	form := url.Values{"link": {u.Query().Get("link")}, "name": {"anna"}, "password": {password}, "again": {password}}
	if status, body := b.answer(b.client.PostForm(b.base+"/setup", form)); status != http.StatusOK {
		t.Fatalf("setup: %d, %s", status, body)
	}
	if list, err := a.Users(t.Context(), everything); err != nil || len(list) != 1 || list[0].Name != "anna" || list[0].Role != "administrator" {
		t.Errorf("accounts: %+v, %v", list, err)
	}
	form.Set("name", "eve")
	b.answer(b.client.PostForm(b.base+"/setup", form))
	if list, _ := a.Users(t.Context(), everything); len(list) != 1 {
		t.Errorf("the link made another account: %+v", list)
	}
	if link := a.setupLink("archive.example"); link != "" {
		t.Errorf("there is a link with an account there: %s", link)
	}
}

// The pages answer to their own names only.
func TestPagesByName(t *testing.T) {
	c := configured(t)
	if err := c.HTTPNames.UnmarshalText([]byte("archive.example.org")); err != nil {
		t.Fatal(err)
	}
	b := browse(t, opened(t, c))
	for host, want := range map[string]bool{"archive.example.org": true, "localhost": true, "evil.example": false} {
		r, err := http.NewRequest(http.MethodGet, b.base+"/sign-in", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		if status, _ := b.answer(b.client.Do(r)); (status == http.StatusOK) != want {
			t.Errorf("as %s: %d", host, status)
		}
	}
}
