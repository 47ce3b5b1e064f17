package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"mailarchive/internal/access"
	"mailarchive/internal/app"
	"mailarchive/internal/catalog/token"
	"mailarchive/internal/config"
	"mailarchive/internal/mail"
	"mailarchive/internal/observe"
	"mailarchive/internal/retrieve"
	"mailarchive/internal/search"
	"mailarchive/internal/web"
	"mailarchive/sample"
)

// archive is an App with the door that the pages ask for.
type archive struct{ *app.App }

func (a archive) Open(ctx context.Context, scope access.Scope, ref string, _ retrieve.Purpose) (io.ReadCloser, error) {
	return a.App.Raw(ctx, scope, ref)
}

// browser is a signed-in administrator before a real archive.
type browser struct {
	t        *testing.T
	client   *http.Client
	base     string
	accounts *access.Accounts
}

const samplePassword = "correct horse battery"

// sampleArchive is an archive with the sample mailbox in it.
func sampleArchive(t *testing.T) *app.App {
	t.Helper()
	loaded, err := config.Load(config.Sources{Flags: map[string]string{
		"data": t.TempDir(), "min-free": "1MiB", "local-domains": "nordwind.example", "timezone": "Europe/Berlin",
	}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), loaded.Config, slog.New(slog.DiscardHandler), observe.Version{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	for _, m := range sample.Messages() {
		e := mail.Envelope{Source: "smtp", From: mail.Address(m.From)}
		for _, to := range m.To {
			e.To = append(e.To, mail.Recipient{Address: mail.Address(to)})
		}
		if _, err := a.Accept(t.Context(), e, bytes.NewReader(m.Data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// newBrowser serves an archive and makes its first account by the link.
func newBrowser(t *testing.T, a *app.App) *browser {
	t.Helper()
	accounts, err := access.Open(access.Options{
		Folder: t.TempDir(), Cost: access.Cost{Memory: 64, Passes: 1, Lanes: 1},
		Rules: access.Rules{Fold: func(s string) (string, string) { k := token.Address(s); return k.Whole, k.Domain }},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accounts.Close() })
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	server := &web.Server{
		Archive: archive{a}, Accounts: accounts, Language: search.Language{Zone: berlin, Directions: true},
		Local: func(domain string) bool { return domain == "nordwind.example" }, Log: slog.New(slog.DiscardHandler),
	}
	listening := httptest.NewServer(server.Handler())
	t.Cleanup(listening.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, base: listening.URL, accounts: accounts, client: &http.Client{Jar: jar, Transport: listening.Client().Transport}}
	link, _, _, err := accounts.Setup()
	if err != nil {
		t.Fatal(err)
	}
	status, page := b.post("/setup", url.Values{"link": {link}, "name": {"root"}, "password": {samplePassword}, "again": {samplePassword}})
	if status != http.StatusOK || !strings.Contains(page, "Search 200 messages") {
		t.Fatalf("the first account is made: status %d, %.500s", status, page)
	}
	return b
}

func (b *browser) get(path string) (status int, header http.Header, body string) {
	b.t.Helper()
	r, err := b.client.Get(b.base + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	content, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r.StatusCode, r.Header, string(content)
}

func (b *browser) post(path string, form url.Values) (int, string) {
	b.t.Helper()
	r, err := b.client.PostForm(b.base+path, form)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	content, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r.StatusCode, string(content)
}

// messages walks the list from page to page and returns the IDs of all hits.
func (b *browser) messages(query string) (ids []string) {
	b.t.Helper()
	link := regexp.MustCompile(`class="hit-link[^"]*" href="/message/([0-9A-Z]{26})`)
	older := regexp.MustCompile(`<a class="btn" href="(/search\?[^"]*from=[^"]*)"`)
	path := "/search?q=" + url.QueryEscape(query) + "&all"
	for path != "" {
		status, _, page := b.get(path)
		if status != http.StatusOK {
			b.t.Fatalf("%s: status %d", path, status)
		}
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			ids = append(ids, m[1])
		}
		path = ""
		if m := older.FindStringSubmatch(page); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	return ids
}

// as makes an account and signs in with it, in a browser of its own.
func (b *browser) as(n access.New) *browser {
	b.t.Helper()
	n.Password = samplePassword
	if _, err := b.accounts.Add(b.t.Context(), n); err != nil {
		b.t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	other := &browser{t: b.t, base: b.base, accounts: b.accounts, client: &http.Client{Jar: jar, Transport: b.client.Transport}}
	if status, page := other.post("/sign-in", url.Values{"name": {n.Name}, "password": {samplePassword}}); status != http.StatusOK || !strings.Contains(page, "Search the archive") {
		b.t.Fatalf("%s signs in: status %d, %.300s", n.Name, status, page)
	}
	return other
}

// A user finds and reads own mail; everything else is not there, and what is
// hidden from them in their own mail is on none of the pages.
func TestUserReadsOwnMail(t *testing.T) {
	b := newBrowser(t, sampleArchive(t))
	const own = "l.petersen@nordwind.example"
	user := b.as(access.New{Name: "lars", Role: access.User, Addresses: []access.Owned{{Address: own}}})
	mine, all := user.messages(""), b.messages("")
	if len(mine) == 0 {
		t.Skip("the catalog does not evaluate a user's scope: nothing is shown")
	}
	if len(mine) >= len(all) {
		t.Fatalf("the user sees %d of %d messages", len(mine), len(all))
	}
	visible := map[string]bool{}
	for _, id := range mine {
		visible[id] = true
		if status, _, page := user.get("/message/" + id); status != http.StatusOK || !strings.Contains(page, own) {
			t.Errorf("own message %s: status %d", id, status)
		}
	}
	for _, id := range all {
		for _, path := range []string{"", "/pane", "/frame", "/source", "/eml", "/file/1", "/file/2", "/look/2"} {
			if status, _, _ := user.get("/message/" + id + path); !visible[id] && status != http.StatusNotFound {
				t.Errorf("foreign message %s%s: status %d", id, path, status)
			}
		}
	}
	for _, id := range user.messages("delivered:" + own) {
		_, _, page := user.get("/message/" + id)
		_, after, _ := strings.Cut(page, `id="delivered"`)
		panel, _, _ := strings.Cut(after, "</section>")
		if strings.Count(panel, "<li>") != 1 || !strings.Contains(panel, own) {
			t.Errorf("%s: the user reads who else got it: %s", id, panel)
		}
	}
	if status, _, page := user.get("/overview"); status != http.StatusForbidden || strings.Contains(page, "200") {
		t.Errorf("overview: status %d", status)
	}
}

// The searches that the sample's readme counts find as much here.
func TestSampleSearches(t *testing.T) {
	b := newBrowser(t, sampleArchive(t))
	for query, hits := range map[string]int{
		"": 200, "RE-2026/00417": 17, "delivered:v.rahn@ostsee-marine.example": 2, "albatros": 24, `"2026-08-B"`: 11,
		"from:a.okafor@nordwind.example": 12, "albatros sort:arrival": 24, "nothing like that": 0,
	} {
		ids := b.messages(query)
		seen := map[string]bool{}
		for _, id := range ids {
			seen[id] = true
		}
		if len(ids) != hits || len(seen) != hits {
			t.Errorf("%q finds %d messages, %d different; want %d", query, len(ids), len(seen), hits)
		}
	}
}

// Every message of the sample can be read in every way: its page, its frame,
// its exact bytes, and each attachment with the digest that the archive lists.
func TestSampleIsReadInEveryWay(t *testing.T) {
	a := sampleArchive(t)
	b := newBrowser(t, a)
	frames, files := 0, 0
	for _, id := range b.messages("") {
		base := "/message/" + id
		status, _, page := b.get(base)
		if status != http.StatusOK {
			t.Fatalf("%s: status %d", id, status)
		}
		shown, err := a.Show(t.Context(), access.Everything("test"), id)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(page, shown.SHA256.String()) {
			t.Errorf("%s: the page lacks the digest", id)
		}
		if _, _, content := b.get(base + "/eml"); mail.Sum([]byte(content)) != shown.SHA256 {
			t.Errorf("%s: the download has other bytes", id)
		}
		if strings.Contains(page, base+"/frame") {
			frames++
			checkFrame(t, b, base)
		}
		files += checkFiles(t, b, page, base, shown.Attachments)
	}
	if frames < 20 || files < 20 {
		t.Errorf("%d frames and %d files: the sample has more", frames, files)
	}
}

// checkFrame reads a frame as a browser would and fails on all that acts.
func checkFrame(t *testing.T, b *browser, base string) {
	t.Helper()
	status, header, body := b.get(base + "/frame")
	if status != http.StatusOK || !strings.Contains(header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%s: status %d, %v", base, status, header)
	}
	page, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range page.Descendants() {
		if n.Data == "script" || n.Data == "form" || n.Data == "iframe" || n.Data == "object" {
			t.Errorf("%s: a %s", base, n.Data)
		}
		for _, at := range n.Attr {
			if strings.HasPrefix(at.Key, "on") || at.Key == "style" || at.Key == "src" && !strings.HasPrefix(at.Val, "data:image/") {
				t.Errorf("%s: %s=%q", base, at.Key, at.Val)
			}
		}
	}
}

// checkFiles downloads the attachments that a page offers.
func checkFiles(t *testing.T, b *browser, page, base string, listed []search.Attachment) (n int) {
	t.Helper()
	offered := regexp.MustCompile(`class="cut" href="(`+base+`/file/[0-9]+)"`).FindAllStringSubmatch(page, -1)
	if len(offered) != len(listed) {
		t.Errorf("%s: %d files offered, %d listed", base, len(offered), len(listed))
		return 0
	}
	for i, m := range offered {
		status, header, content := b.get(m[1])
		if status != http.StatusOK || mail.Sum([]byte(content)) != listed[i].SHA256 || !strings.HasPrefix(header.Get("Content-Disposition"), "attachment;") {
			t.Errorf("%s: status %d, %d bytes, %v; listed is %+v", m[1], status, len(content), header, listed[i])
		}
		n++
	}
	return n
}

func TestSampleOverview(t *testing.T) {
	b := newBrowser(t, sampleArchive(t))
	status, _, page := b.get("/overview")
	for _, piece := range []string{"200 = 200", "a.okafor@nordwind.example", "<svg class=\"chart-plot\""} {
		if status != http.StatusOK || !strings.Contains(page, piece) {
			t.Errorf("status %d, lacks %q", status, piece)
		}
	}
}

// Many at once get what one gets.
func TestManyReaders(t *testing.T) {
	b := newBrowser(t, sampleArchive(t))
	ids := b.messages("albatros")
	var readers sync.WaitGroup
	for i := range 4 {
		readers.Go(func() {
			for _, id := range ids {
				for _, path := range []string{"/message/" + id, "/message/" + id + "/eml", "/search?q=albatros", "/overview"} {
					if status, _, _ := b.get(path); status != http.StatusOK {
						t.Errorf("reader %d: %s: status %d", i, path, status)
					}
				}
			}
		})
	}
	readers.Wait()
}

// The languages that templates are written in have no text that is left in the
// other one: each page, in German, shows no English sentence of the catalog.
func TestGermanPagesAreGerman(t *testing.T) {
	b := newBrowser(t, sampleArchive(t))
	if status, _ := b.post("/display", url.Values{"lang": {"de"}, "back": {"/search"}}); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	var english, german map[string]string
	for name, into := range map[string]*map[string]string{"en": &english, "de": &german} {
		if err := json.Unmarshal(web.LanguageFile(name), into); err != nil {
			t.Fatal(err)
		}
	}
	id := b.messages("albatros has:attachment")[0]
	for _, path := range []string{"/search", "/search?q=albatros", "/search?q=zzzz+yyyy", "/message/" + id, "/overview", "/help", "/nothing"} {
		_, _, page := b.get(path)
		if !strings.Contains(page, `<html lang="de"`) {
			t.Errorf("%s is not in German", path)
		}
		for key, text := range english {
			const sentence = 18 // shorter ones stand in mail too
			if len(text) > sentence && german[key] != text && !strings.Contains(text, "%") && strings.Contains(page, html.EscapeString(text)) {
				t.Errorf("%s says %q", path, text)
			}
		}
	}
}
