package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// Limits of a request. The limits on time and on the size of the header are
// those of the HTTP server (package observe).
const (
	maxTarget = 16 << 10 // bytes of path and query: twice the longest query
	maxBody   = 64 << 10 // bytes of a form
)

// ground is what every request passes before its route.
func (s *Server) ground(next http.Handler) http.Handler {
	// Posts from other sites are turned away by what browsers say of their
	// origin (Sec-Fetch-Site, else Origin). That needs no token in each form, so
	// none can be forgotten or leak, it covers signing in too, where there is no
	// session yet, and the cookie's SameSite=Lax stands behind it.
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, http.StatusForbidden, "error.cross-site")
	}))
	for _, name := range s.Names {
		// Behind a proxy that changes the Host field the origin is another name.
		// A name that makes no origin is none that a browser could send.
		_ = protection.AddTrustedOrigin("https://" + name)
	}
	guarded := protection.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.headers(w.Header())
		switch {
		case !s.knows(r.Host):
			s.refuse(w, r, http.StatusMisdirectedRequest, "error.host")
		case len(r.URL.RequestURI()) > maxTarget:
			s.refuse(w, r, http.StatusRequestURITooLong, "error.long")
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			guarded.ServeHTTP(w, r)
		}
	})
}

// policy is the Content-Security-Policy of the pages. Frames are the text of
// messages, which have a policy of their own.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// headers sets what every answer bears; a route may set a stricter policy.
func (s *Server) headers(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("X-Frame-Options", "SAMEORIGIN") // of browsers that do not know frame-ancestors
	h.Set("Cache-Control", "no-store")
}

// trusts reports whether the connection comes from a proxy that is believed.
func (s *Server) trusts(peer netip.Addr) bool {
	for _, network := range s.Proxies {
		if network.Contains(peer) {
			return true
		}
	}
	return false
}

// peer is the other end of the connection; the zero Addr of a Unix socket.
func peer(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}

// client is who asks: the other end of the connection, or, when that is a
// proxy that is believed, whom it names. Of several names the last one that no
// trusted proxy has counts, since those before it were written by the client.
func (s *Server) client(r *http.Request) netip.Addr {
	at := peer(r)
	named := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(named) - 1; i >= 0 && s.trusts(at); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(named[i]))
		if err != nil {
			break
		}
		at = next.Unmap()
	}
	return at
}

// secure reports whether the client's connection is encrypted.
func (s *Server) secure(r *http.Request) bool {
	return r.TLS != nil || s.trusts(peer(r)) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
