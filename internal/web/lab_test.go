package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/retrieve"
	"mailarchive/internal/search"
)

// fakeArchive holds one message, whose sender is ann@example.org, and notes who
// asked.
type fakeArchive struct {
	mu     sync.Mutex
	scopes []access.Scope
	opened []retrieve.Purpose
	query  control.SearchRequest

	raw   string
	shown control.Shown
	hits  []control.Hit
	end   control.SearchEnd
	stats control.Stats
	err   error // of every call
	cut   error // of reading, in the middle
	away  error // of opening
}

var testID = mail.NextID(mail.ID{}, time.UnixMilli(1))

func (f *fakeArchive) asked(scope access.Scope) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scopes = append(f.scopes, scope)
	return f.err
}

// may reports whether the scope covers the message.
func (f *fakeArchive) may(scope access.Scope, ref string) error {
	if err := f.asked(scope); err != nil {
		return err
	}
	if ref != testID.String() || !scope.All() && !scope.Owns("ann@example.org", time.Now()) {
		return mail.ErrNotFound
	}
	return nil
}

func (f *fakeArchive) Search(_ context.Context, scope access.Scope, q control.SearchRequest, yield func(control.Hit) error) (control.SearchEnd, error) {
	if err := f.asked(scope); err != nil {
		return control.SearchEnd{}, err
	}
	f.query = q
	for _, h := range f.hits {
		if err := yield(h); err != nil {
			return f.end, err
		}
	}
	return f.end, nil
}

func (f *fakeArchive) Show(_ context.Context, scope access.Scope, ref string) (control.Shown, error) {
	return f.shown, f.may(scope, ref)
}

func (f *fakeArchive) Open(_ context.Context, scope access.Scope, ref string, purpose retrieve.Purpose) (io.ReadCloser, error) {
	if err := f.may(scope, ref); err != nil {
		return nil, err
	}
	f.opened = append(f.opened, purpose)
	if f.away != nil {
		return nil, f.away
	}
	r := io.Reader(strings.NewReader(f.raw))
	if f.cut != nil {
		r = io.MultiReader(r, failing{f.cut})
	}
	return io.NopCloser(r), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (f *fakeArchive) Stats(_ context.Context, scope access.Scope) (control.Stats, error) {
	if err := f.asked(scope); err != nil {
		return control.Stats{}, err
	}
	if !scope.All() {
		return control.Stats{}, mail.ErrNotAllowed
	}
	return f.stats, nil
}

func (f *fakeArchive) Volume(_ context.Context, scope access.Scope, unit catalog.Unit, since, before time.Time) ([]catalog.Period, error) {
	if err := f.asked(scope); err != nil {
		return nil, err
	}
	start, _ := unit.Start(labNow)
	return []catalog.Period{{Start: start, Amount: catalog.Amount{Messages: 12, Bytes: 3000},
		Ways: map[mail.Direction]catalog.Amount{mail.In: {Messages: 7}, mail.Out: {Messages: 3}, mail.Internal: {Messages: 2}}}}, nil
}

func (f *fakeArchive) Top(_ context.Context, scope access.Scope, of catalog.Dimension, limit int) ([]catalog.Tally, error) {
	return []catalog.Tally{{Value: "ann@example.org", Amount: catalog.Amount{Messages: 9}}}, f.asked(scope)
}

var labNow = time.Date(2026, 11, 24, 14, 32, 0, 0, time.UTC)

// lab is a server with accounts of each role; the passwords are password.
type lab struct {
	t        testing.TB
	archive  *fakeArchive
	accounts *access.Accounts
	server   *Server
	handler  http.Handler
	now      time.Time
}

const password = "correct horse battery"

func newLab(t testing.TB) *lab {
	t.Helper()
	l := bareLab(t)
	for _, n := range []access.New{
		{Name: "root", Role: access.Administrator, Password: password},
		{Name: "audit", Role: access.Auditor, Domains: []string{access.EveryDomain}, Password: password},
		{Name: "ann", Role: access.User, Addresses: []access.Owned{{Address: "ann@example.org"}}, Password: password},
		{Name: "bob", Role: access.User, Addresses: []access.Owned{{Address: "bob@example.org"}}, Password: password},
	} {
		if _, err := l.accounts.Add(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// bareLab is one without accounts.
func bareLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{t: t, archive: newFakeArchive(), now: labNow}
	var err error
	l.accounts, err = access.Open(access.Options{
		Folder: t.TempDir(), Now: func() time.Time { return l.now }, Cost: access.Cost{Memory: 64, Passes: 1, Lanes: 1},
		Rules: access.Rules{Fold: func(s string) (string, string) {
			_, domain := mail.Address(s).Split()
			return strings.ToLower(s), strings.ToLower(domain)
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.accounts.Close(); err != nil {
			t.Error(err)
		}
	})
	l.server = &Server{
		Archive: l.archive, Accounts: l.accounts, Names: []string{"archive.example.org"},
		Proxies:  []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Language: search.Language{Zone: time.UTC, Now: labNow, Directions: true},
		Local:    func(domain string) bool { return domain == "example.org" },
		Log:      slog.New(slog.DiscardHandler), Now: func() time.Time { return l.now },
	}
	l.handler = l.server.Handler()
	return l
}

func newFakeArchive() *fakeArchive {
	h := control.Hit{
		ID: testID, Date: labNow.Add(-time.Hour), Received: labNow.Add(-time.Hour), Subject: `Report <b>& more`,
		From: []string{"Ann <ann@example.org>"}, To: []string{"Bob <bob@example.net>"}, Cc: []string{}, DeliveredTo: []string{"bob@example.net", "eve@example.com"},
		Size: 2048, Keywords: []string{"pump", "report", "third"}, SHA256: mail.Sum([]byte("x")),
		Attachments: []search.Attachment{{Name: "a.pdf", Type: "application/pdf", Size: 4}},
		Snippet:     "the annual <report> is here", Marks: [][2]int{{4, 10}},
	}
	return &fakeArchive{
		raw: testMessage, hits: []control.Hit{h}, end: control.SearchEnd{Total: 1},
		shown: control.Shown{
			Hit: h, MessageID: "1@example.org", Text: "Hello <Bob>", Bcc: []string{}, Problems: []string{},
			Arrivals: []control.ArrivalShown{{ID: testID, Seq: 4711, Received: labNow, Source: "smtp", From: "ann@example.org", To: []string{"bob@example.net"}}},
		},
		stats: control.Stats{Stored: 12_345, Indexed: 12_345, Arrivals: 13_000, BytesRaw: 5 << 30, BytesDisk: 2 << 30, InStep: true, LastReceived: labNow.Add(-4 * time.Second), Started: labNow},
	}
}

const testMessage = "From: Ann <ann@example.org>\r\nSubject: Report\r\nX-Evil: <script>alert(1)</script>\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/html\r\n\r\n<p onclick=x() style=\"color:red\">Hello <img src=\"cid:logo@x\"><img src=\"https://tracker.example/x.gif\"></p>\r\n" +
	"--b\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n" +
	"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"a.pdf\"\r\n\r\n%PDF\r\n" +
	"--b\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=\"page.html\"\r\n\r\n<script>alert(2)</script>\r\n" +
	"--b\r\nContent-Type: image/png; name=fake.png\r\n\r\n<script>alert(3)</script>\r\n" +
	"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=notes.txt\r\n\r\n<script>alert(4)</script>\r\n--b--\r\n"

// get asks for a path with a session's cookie, "" for none.
func (l *lab) get(path, session string) *httptest.ResponseRecorder {
	return l.do(l.request(http.MethodGet, path, session, nil))
}

// post sends a form as a page of the archive would.
func (l *lab) post(path, session string, form url.Values) *httptest.ResponseRecorder {
	r := l.request(http.MethodPost, path, session, form)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return l.do(r)
}

func (l *lab) request(method, path, session string, form url.Values) *http.Request {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(l.t.Context(), method, path, body)
	r.Host = "localhost:8080"
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if session != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: session})
	}
	return r
}

func (l *lab) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r)
	return w
}

// signIn returns a session of an account, "" for the name "".
func (l *lab) signIn(name string) string {
	l.t.Helper()
	if name == "" {
		return ""
	}
	w := l.post("/sign-in", "", url.Values{"name": {name}, "password": {password}})
	for _, c := range w.Result().Cookies() {
		if c.Name == sessionCookie {
			return c.Value
		}
	}
	l.t.Fatalf("%s cannot sign in: %d", name, w.Code)
	return ""
}

// want fails when the body lacks one of the pieces, or has one that begins
// with "!".
func want(t *testing.T, what, body string, pieces ...string) {
	t.Helper()
	for _, p := range pieces {
		if not, ok := strings.CutPrefix(p, "!"); ok {
			if strings.Contains(body, not) {
				t.Errorf("%s has %q in it", what, not)
			}
		} else if !strings.Contains(body, p) {
			t.Errorf("%s lacks %q", what, p)
		}
	}
}
