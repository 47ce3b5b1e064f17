package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestAssets(t *testing.T) {
	l := newLab(t)
	css := l.server.assets["app.css"]
	r := l.request(http.MethodGet, "/static/app.css?v="+css.version, "", nil)
	r.Header.Set("Accept-Encoding", "gzip, br")
	w := l.do(r)
	if w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%v", w.Header())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || string(b) != string(css.content) {
		t.Errorf("%d bytes, %v; want %d", len(b), err, len(css.content))
	}
	w = l.get("/static/app.css", "")
	if w.Header().Get("Cache-Control") != "no-cache" || w.Body.String() != string(css.content) || w.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("without version: %v", w.Header())
	}
	r = l.request(http.MethodGet, "/static/app.css", "", nil)
	r.Header.Set("If-None-Match", w.Header().Get("ETag"))
	if w := l.do(r); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("known already: status %d, %d bytes", w.Code, w.Body.Len())
	}
}

// What a browser loads for the first page stays under 150 kB, and nothing in it
// comes from elsewhere.
func TestPageWeight(t *testing.T) {
	l := newLab(t)
	for range 49 {
		l.archive.hits = append(l.archive.hits, l.archive.hits[0])
	}
	weight := l.get("/search?q=report", l.signIn("root")).Body.Len()
	for name, f := range l.server.assets {
		weight += len(f.packed)
		if strings.HasSuffix(name, ".css") && (strings.Contains(string(f.content), "url(") || strings.Contains(string(f.content), "@import")) {
			t.Errorf("%s loads something", name)
		}
	}
	if weight > 150_000 {
		t.Errorf("a page of 50 hits weighs %d bytes", weight)
	}
}

func TestIconsThatPagesNameAreThere(t *testing.T) {
	sprite := string(loadAssets()["icons.svg"].content)
	l := newLab(t)
	root := l.signIn("root")
	for _, path := range []string{"/search?q=report", "/search", "/search?q=form:x", "/message/" + testID.String(), "/overview", "/help", "/nothing"} {
		body := l.get(path, root).Body.String()
		for _, piece := range strings.Split(body, "icons.svg?v=")[1:] {
			_, rest, ok := strings.Cut(piece, "#")
			name, _, end := strings.Cut(rest, `"`)
			if ok && end && len(name) < 20 && !strings.Contains(sprite, `id="`+name+`"`) {
				t.Errorf("%s names the icon %q", path, name)
			}
		}
	}
}
