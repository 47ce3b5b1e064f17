package web

import (
	"net/http"

	"mailarchive/internal/access"
)

// anybody is the least role of a route that needs no session.
const anybody access.Role = ""

// route is one kind of request.
type route struct {
	pattern string // of http.ServeMux
	// least is the least role that may use it.
	least access.Role
	// answer answers. An error that it returns has not been answered yet.
	answer func(*visit) error
}

// routes are all there are: what is not here is not found. What a route reads
// of the archive it reads within the scope of who asks.
func (s *Server) routes() []route {
	return []route{
		{"GET /{$}", anybody, s.home},
		{"GET /static/{name}", anybody, s.static},
		{"GET /favicon.ico", anybody, s.favicon},
		{"POST /display", anybody, s.display},

		{"GET /sign-in", anybody, s.signInPage},
		{"POST /sign-in", anybody, s.signIn},
		{"POST /sign-out", anybody, s.signOut},
		{"GET /setup", anybody, s.setupPage},
		{"POST /setup", anybody, s.setup},

		{"GET /search", access.User, s.search},
		{"GET /help", access.User, s.help},
		{"GET /message/{id}", access.User, s.message},
		{"GET /message/{id}/pane", access.User, s.pane},
		{"GET /message/{id}/frame", access.User, s.frame},
		{"POST /message/{id}/remote", access.User, s.remote},
		{"GET /message/{id}/file/{part}", access.User, s.file},
		{"GET /message/{id}/look/{part}", access.User, s.look},
		{"GET /message/{id}/source", access.User, s.source},
		{"GET /message/{id}/eml", access.User, s.eml},

		{"GET /overview", access.Auditor, s.overview},

		{"/", anybody, s.nothing},
	}
}

// serve answers requests for a route within the scope of who asks.
func (s *Server) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.visit(w, r)
		switch {
		case rt.least != anybody && v.role() == anybody:
			v.askToSignIn()
		case rt.least != anybody && !v.role().AtLeast(rt.least):
			v.fail(errNotForYou)
		default:
			if err := rt.answer(v); err != nil {
				v.fail(err)
			}
		}
	})
}

// home leads to where one begins.
func (s *Server) home(v *visit) error { return v.redirect("/search") }
