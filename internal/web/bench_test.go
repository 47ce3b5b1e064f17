package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkSearchPage makes the page of fifty hits, without the search.
func BenchmarkSearchPage(b *testing.B) {
	l := newLab(b)
	for range pageSize - 1 {
		l.archive.hits = append(l.archive.hits, l.archive.hits[0])
	}
	r := l.request(http.MethodGet, "/search?q=report", l.signIn("root"), nil)
	for b.Loop() {
		w := httptest.NewRecorder()
		l.handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

// BenchmarkMessagePage makes the page of a message, without reading it from
// the disk.
func BenchmarkMessagePage(b *testing.B) {
	l := newLab(b)
	r := l.request(http.MethodGet, messagePath(""), l.signIn("root"), nil)
	for b.Loop() {
		w := httptest.NewRecorder()
		l.handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
