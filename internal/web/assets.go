package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"

	"mailarchive/internal/mail"
)

//go:embed static
var staticFiles embed.FS

// asset is a file that never changes while the program runs.
type asset struct {
	content, packed []byte // packed is gzip
	kind            string
	version         string
}

// assets are all by name.
type assets map[string]asset

// loadAssets reads the files. They are part of the program: one that cannot be
// read is a bug.
func loadAssets() assets {
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err)
	}
	list := assets{}
	for _, e := range entries {
		content, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		list[e.Name()] = asset{content, packed(content), kindOf(e.Name()), hex.EncodeToString(sum[:6])}
	}
	return list
}

func packed(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one that there is
	_, _ = w.Write(content)                               // a bytes.Buffer never fails
	_ = w.Close()
	return b.Bytes()
}

func kindOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "text/plain; charset=utf-8"
}

// path is the address of an asset; it changes when the asset does.
func (a assets) path(name string) (string, error) {
	f, ok := a[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return "/static/" + name + "?v=" + f.version, nil
}

// icon is a picture of the sprite, with a name when it says something that the
// text beside it does not, and more classes.
func (a assets) icon(name string, more ...string) (template.HTML, error) {
	sprite, err := a.path("icons.svg")
	if err != nil {
		return "", err
	}
	label, class := ` aria-hidden="true"`, "icon"
	if len(more) > 0 && more[0] != "" {
		class += " " + more[0]
	}
	if len(more) > 1 {
		label = ` role="img" aria-label="` + template.HTMLEscapeString(more[1]) + `"`
	}
	return template.HTML(`<svg class="` + template.HTMLEscapeString(class) + `"` + label + `><use href="` +
		sprite + "#" + template.HTMLEscapeString(name) + `"/></svg>`), nil
}

// static answers with an asset.
func (s *Server) static(v *visit) error {
	f, ok := s.assets[v.r.PathValue("name")]
	if !ok {
		return fmt.Errorf("asset: %w", mail.ErrNotFound)
	}
	f.answer(v.w, v.r)
	return nil
}

// favicon is asked for under a name that browsers made up.
func (s *Server) favicon(v *visit) error {
	s.assets["favicon.svg"].answer(v.w, v.r)
	return nil
}

func (f asset) answer(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Del("Vary")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Type", f.kind)
	h.Set("ETag", `"`+f.version+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == f.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.Contains(r.Header.Get("If-None-Match"), f.version) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	content := f.content
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		content = f.packed
	}
	_, _ = w.Write(content) // a client that went away is no concern of ours
}
