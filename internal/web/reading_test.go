package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/retrieve"
)

func messagePath(rest string) string { return "/message/" + testID.String() + rest }

func TestMessagePage(t *testing.T) {
	l := newLab(t)
	l.archive.shown.Problems = []string{"something <odd>"}
	l.archive.shown.Arrivals = append(l.archive.shown.Arrivals, control.ArrivalShown{ID: testID, Seq: 4712, Received: labNow, Source: "import:mbox", Path: "/x/<y>.mbox", Folder: "Inbox"})
	body := l.get(messagePath("?q=report+bob"), l.signIn("ann")).Body.String()
	want(t, "page", body,
		"<mark>Report</mark> &lt;b&gt;&amp; more", "Hello &lt;<mark>Bob</mark>&gt;", "!<script>alert", "X-Evil", "&lt;script&gt;alert(1)&lt;/script&gt;",
		"a.pdf", "page.html", "notes.txt", mail.Sum([]byte("x")).String(), testID.String(), "4,711", "something &lt;odd&gt;",
		"Import (mbox)", "/x/&lt;y&gt;.mbox", "2 arrivals",
		`sandbox="allow-popups allow-popups-to-escape-sandbox"`, `src="`+messagePath("/frame")+`"`, "1 remote image blocked",
		`href="/search?q=report%20bob"`, ">Hidden<", "Outgoing",
	)
	if got := l.archive.opened; len(got) != 1 || got[0] != ToPage {
		t.Errorf("opened for %v", got)
	}
	body = l.get(messagePath("/pane?q=report"), l.signIn("ann")).Body.String()
	want(t, "pane", body, "Hello &lt;Bob&gt;", messagePath("/file/3"), "1 in no header", "!<html", messagePath("?q=report"))
}

func TestMessageWithoutHTML(t *testing.T) {
	l := newLab(t)
	l.archive.raw = "Subject: x\n\ntext"
	l.archive.shown.Text, l.archive.shown.Attachments = strings.Repeat("ü", maxText), nil
	body := l.get(messagePath(""), l.signIn("ann")).Body.String()
	want(t, "page", body, "!<iframe", "The text goes on", "!\uFFFD", "!remote")
	if w := l.get(messagePath("/frame"), l.signIn("ann")); w.Code != http.StatusNotFound {
		t.Errorf("a frame without HTML: %d", w.Code)
	}
}

func TestFrame(t *testing.T) {
	l := newLab(t)
	w := l.get(messagePath("/frame"), l.signIn("ann"))
	csp := w.Header().Get("Content-Security-Policy")
	for _, piece := range []string{"default-src 'none'", "img-src data:;", "style-src 'nonce-", "sandbox allow-popups", "form-action 'none'", "frame-ancestors 'self'", "base-uri 'none'"} {
		if !strings.Contains(csp, piece) {
			t.Errorf("the policy lacks %q: %s", piece, csp)
		}
	}
	if strings.Contains(csp, "script-src") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "allow-scripts") || strings.Contains(csp, "allow-same-origin") {
		t.Errorf("policy %s", csp)
	}
	want(t, "frame", w.Body.String(), `<div class="p0"><p class="m1">Hello `, ".p0 .m1{color:red;}", `src="data:image/png;base64,iVBORw0KGgo="`,
		`Image blocked: tracker.example`, "!onclick", "!x.gif", "!style=\"", "!alert(2)")
	again := l.get(messagePath("/frame"), l.signIn("ann")).Header().Get("Content-Security-Policy")
	if again == csp {
		t.Error("the nonce is the same twice")
	}
}

func TestRemoteContentOnce(t *testing.T) {
	l := newLab(t)
	ann := l.signIn("ann")
	w := l.post(messagePath("/remote"), ann, url.Values{"q": {"report"}})
	page := w.Header().Get("Location")
	if !strings.HasPrefix(page, messagePath("?q=report&remote=")) {
		t.Fatalf("leads to %q", page)
	}
	_, query, _ := strings.Cut(page, "?")
	values, _ := url.ParseQuery(query)
	token := values.Get("remote")
	frame := messagePath("/frame?remote=" + url.QueryEscape(token))
	want(t, "page", l.get(page, ann).Body.String(), "1 remote image shown", `src="`+frame+`"`)

	shown := func(path, session string) bool {
		w := l.get(path, session)
		inPolicy := strings.Contains(w.Header().Get("Content-Security-Policy"), "https:")
		if inPolicy != strings.Contains(w.Body.String(), "https://tracker.example/x.gif") {
			t.Errorf("%s: policy and frame differ", path)
		}
		return inPolicy
	}
	if !shown(frame, ann) {
		t.Error("it is not shown when asked for")
	}
	for name, c := range map[string]struct{ path, session string }{
		"not asked for":  {messagePath("/frame"), ann},
		"made up":        {messagePath("/frame?remote=9999999999.00"), ann},
		"nothing":        {messagePath("/frame?remote="), ann},
		"another's":      {frame, l.signIn("root")},
		"made to last":   {strings.Replace(frame, "remote=1", "remote=9", 1), ann},
		"another's mail": {strings.Replace(frame, testID.String(), mail.NextID(testID, time.UnixMilli(1)).String(), 1), ann},
	} {
		if w := l.get(c.path, c.session); strings.Contains(w.Header().Get("Content-Security-Policy"), "https:") {
			t.Errorf("%s: remote content is shown", name)
		}
	}
	l.now = l.now.Add(remoteFor + time.Second)
	if shown(frame, ann) {
		t.Error("it is shown for ever")
	}
}

func TestDownloads(t *testing.T) {
	l := newLab(t)
	ann := l.signIn("ann")
	for _, c := range []struct {
		path, kind, disposition, body string
		purpose                       retrieve.Purpose
	}{
		{"/eml", "message/rfc822", `attachment; filename="` + testID.String() + `.eml"; filename*=UTF-8''` + testID.String() + ".eml", testMessage, retrieve.ToRead},
		{"/source", "text/plain; charset=utf-8", "", testMessage, retrieve.ToRead},
		{"/file/3", "application/octet-stream", `attachment; filename="a.pdf"; filename*=UTF-8''a.pdf`, "%PDF", ToAttachment},
		{"/file/4", "application/octet-stream", `attachment; filename="page.html"; filename*=UTF-8''page.html`, "<script>alert(2)</script>", ToAttachment},
		{"/look/2", "image/png", "", "\x89PNG\r\n\x1a\n", ToAttachment},
		{"/look/6", "text/plain; charset=utf-8", "", "<script>alert(4)</script>", ToAttachment},
	} {
		l.archive.opened = nil
		w := l.get(messagePath(c.path), ann)
		h := w.Header()
		if w.Code != http.StatusOK || w.Body.String() != c.body || h.Get("Content-Type") != c.kind || h.Get("Content-Disposition") != c.disposition {
			t.Errorf("%s: status %d, %s, %s, %q", c.path, w.Code, h.Get("Content-Type"), h.Get("Content-Disposition"), w.Body)
		}
		if h.Get("Content-Security-Policy") != filePolicy || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", c.path, h)
		}
		if len(l.archive.opened) != 1 || l.archive.opened[0] != c.purpose {
			t.Errorf("%s: opened for %v", c.path, l.archive.opened)
		}
	}
	for _, path := range []string{"/look/4", "/look/5", "/look/3"} { // HTML, a picture that is none, a PDF
		if w := l.get(messagePath(path), ann); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "alert(") {
			t.Errorf("%s: status %d, %.100s", path, w.Code, w.Body)
		}
	}
}

// A download that breaks off must not look whole.
func TestDamagedInTheMiddle(t *testing.T) {
	l := newLab(t)
	ann := l.signIn("ann")
	l.archive.cut = errors.Join(errors.New("disk gone"), mail.ErrDamaged)
	for _, path := range []string{"/eml", "/source"} {
		func() {
			defer func() {
				if got := recover(); got != http.ErrAbortHandler {
					t.Errorf("%s: %v, want the connection cut", path, got)
				}
			}()
			l.get(messagePath(path), ann)
		}()
	}
	for _, path := range []string{"", "/frame", "/pane"} {
		if w := l.get(messagePath(path), ann); w.Code != http.StatusInternalServerError {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

func TestSafeName(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"a b.pdf", "a b.pdf"},
		{"../../etc/passwd", "passwd"},
		{`C:\Users\x\report.doc`, "report.doc"},
		{"a\r\nSet-Cookie: x=y.pdf", "aSet-Cookie_ x=y.pdf"},
		{`a"; filename="b.exe`, "a_; filename=_b.exe"},
		{"annexe\u202Efdp.exe", "annexefdp.exe"},
		{"a\u200b\u2066b.txt", "ab.txt"},
		{".bashrc", "bashrc"},
		{"...", ""},
		{"", ""},
		{"Übersicht – 呉.csv", "Übersicht – 呉.csv"},
		{"bad\xff.txt", "bad.txt"},
		{strings.Repeat("x", 500) + ".pdf", strings.Repeat("x", maxName-4) + ".pdf"},
		{strings.Repeat("ü", 500), strings.Repeat("ü", maxName/2)},
	} {
		if got := safeName(c.name); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.name, got, c.want)
		}
	}
	if got := disposition(`Übersicht 100%.csv`); got != `attachment; filename="_bersicht 100%.csv"; filename*=UTF-8''%C3%9Cbersicht%20100%25.csv` {
		t.Errorf("disposition %s", got)
	}
}

func FuzzDisposition(f *testing.F) {
	f.Add("a\r\nX: y\"\\../b\u202e")
	f.Fuzz(func(t *testing.T, name string) {
		d := disposition(safeName(name))
		for i := range len(d) {
			if d[i] < ' ' || d[i] > '~' {
				t.Fatalf("%q gives %q", name, d)
			}
		}
		if strings.Count(d, `"`) != 2 || strings.ContainsAny(d, `\/`) || len(d) > 6*maxName {
			t.Fatalf("%q gives %q", name, d)
		}
	})
}

func TestPictureKind(t *testing.T) {
	for start, kind := range map[string]string{
		"\x89PNG\r\n\x1a\nx": "image/png", "GIF89a": "image/gif", "GIF87a": "image/gif", "\xff\xd8\xff\xe0": "image/jpeg",
		"RIFF\x00\x00\x00\x00WEBPVP8 ": "image/webp", "RIFF\x00\x00\x00\x00WAVEfmt ": "", "<svg xmlns": "", "<html>": "", "": "", "BM": "",
	} {
		if got := pictureKind([]byte(start)); got != kind {
			t.Errorf("%q is %q, want %q", start, got, kind)
		}
	}
}

// A large message costs the page little.
func TestLargeMessage(t *testing.T) {
	l := newLab(t)
	head := "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n"
	l.archive.raw = head + strings.Repeat("<p>hello</p>\n", maxHTML/10) + "--b\nContent-Type: application/zip; name=a.zip\n\n" + strings.Repeat("PK.............\n", 1<<20) + "--b--\n"
	w := l.get(messagePath(""), l.signIn("ann"))
	if w.Code != http.StatusOK || w.Body.Len() > 100<<10 {
		t.Errorf("status %d, page of %d bytes", w.Code, w.Body.Len())
	}
	w = l.get(messagePath("/frame"), l.signIn("ann"))
	want(t, "frame", w.Body.String()[w.Body.Len()-300:], "too long to be shown")
}

// A message whose bytes are in an archive file that is not here is shown as far
// as it is known.
func TestMessageThatIsAway(t *testing.T) {
	l := newLab(t)
	ann := l.signIn("ann")
	l.archive.away = fmt.Errorf("Oct-2026.tgz: %w", mail.ErrElsewhere)
	l.archive.shown.Text, l.archive.shown.Problems = "", []string{"in Oct-2026.tgz"}
	for _, path := range []string{"", "/pane"} {
		want(t, "page", l.get(messagePath(path), ann).Body.String(), "in Oct-2026.tgz", "Not checked", "a.pdf",
			"!Unchanged", "!/file/", "!/eml", "!/source", "!/frame", "The text is in the archive file")
	}
	for _, path := range []string{"/eml", "/source", "/frame", "/file/3"} {
		w := l.get(messagePath(path), ann)
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d", path, w.Code)
		}
		want(t, path, w.Body.String(), "archive file that is not here", "!The log says more")
	}
}
