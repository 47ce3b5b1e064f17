// Package web is the archive in a browser.
//
// In come HTTP requests; each is for a route of one table (routes.go), which
// names the least role that may use it, and carries the scope of whoever is
// signed in. Out go pages that the server has made whole: searching and reading
// work without script. Nothing is stored here but what the archive and the
// accounts store; a crash loses requests under way, which change nothing.
//
// The ground, from the outside in: limits on size and time, the names under
// which the archive may be called, the headers that every answer bears, no
// posts from other sites, who asks, what they may.
//
//	server    what it is made of, and the handler
//	routes    the table
//	ground    what every request passes
//	session   signing in and out, the cookie; setup the first account
//	visit     one request: who asks, in which language, and how to answer
//	form      the five filters as a query, and back
//	search    the list of hits; narrow is what it can be narrowed to
//	message   one message; content reads its parts, frame shows its HTML
//	overview  counts and plots
//
// Mail is hostile. Its HTML goes through package inert and is shown in a
// sandboxed frame with a policy of its own that allows no script and nothing
// from outside; its files are only ever sent as downloads, but for images and
// plain text in an answer that cannot run anything.
package web
