package web

import (
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"mailarchive/internal/control"
	"mailarchive/internal/search"
)

// Server makes the pages. Archive and Accounts must be set; the rest has
// defaults that work.
type Server struct {
	Archive  Archive
	Accounts Accounts
	// Language is that of the searcher behind Archive: where days begin, and
	// whether mail has directions.
	Language search.Language
	// Local reports whether a domain is one of the organisation's own; nil when
	// they are not known, then no direction is shown.
	Local func(domain string) bool
	// Organisation is whose archive it is, for the sign-in page; may be empty.
	Organisation string
	// Names are the host names under which the archive may be called, besides
	// localhost and any IP address. Without that check a site anywhere could
	// point its own name at the archive and read it with the visitor's browser.
	Names []string
	// Proxies are the networks whose X-Forwarded-For and X-Forwarded-Proto are
	// believed.
	Proxies []netip.Prefix
	// Log is where failures go; nil is slog.Default.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	key     [32]byte // of the requests to show remote content, new with each start
	looks   looks
	views   views
	locales locales
	assets  assets
}

// Handler returns the handler of all pages: what it does not know is not found.
// It is called once.
func (s *Server) Handler() http.Handler {
	if s.Log == nil {
		s.Log = slog.Default()
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Language.Zone == nil {
		s.Language.Zone = time.Local
	}
	rand.Read(s.key[:]) // never fails (crypto/rand)
	s.assets = loadAssets()
	s.locales = loadLocales()
	s.views = loadViews(s.assets)
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.serve(r))
	}
	return s.ground(mux)
}

// looks remembers the counts for a moment: every page of an administrator
// shows when the last message came.
type looks struct {
	mu    sync.Mutex
	at    time.Time
	stats control.Stats
	err   error
}

// fresh is how long counts may be old.
const fresh = 3 * time.Second

// stats returns the archive's counts, at most a moment old.
func (s *Server) stats(v *visit) (control.Stats, error) {
	if !v.who.Scope.All() {
		return s.Archive.Stats(v.ctx(), v.who.Scope)
	}
	s.looks.mu.Lock()
	defer s.looks.mu.Unlock()
	if now := s.Now(); now.Sub(s.looks.at) > fresh || now.Before(s.looks.at) {
		s.looks.stats, s.looks.err = s.Archive.Stats(v.ctx(), v.who.Scope)
		s.looks.at = now
		if s.looks.err != nil {
			s.looks.at = time.Time{}
		}
	}
	return s.looks.stats, s.looks.err
}

// knows reports whether the archive may be called by that name. A name of
// somebody else's that points here is how a site reads what its visitor's
// browser can reach (DNS rebinding); an address in numbers cannot be that.
func (s *Server) knows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if _, err := netip.ParseAddr(host); err == nil || host == "localhost" {
		return true
	}
	for _, name := range s.Names {
		if strings.EqualFold(strings.TrimSuffix(name, "."), host) {
			return true
		}
	}
	return false
}
