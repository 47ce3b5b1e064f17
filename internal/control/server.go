package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"sync"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/mail"
)

// Limits of the server. Peers are administrators of this machine: these keep a
// stopped client from holding things for ever, no more.
const (
	stallPatience  = 10 * time.Minute // a client that neither reads nor writes; a person may look at a pager
	headerPatience = 10 * time.Second
	idlePatience   = 5 * time.Minute // longer than the client's, so that the client closes first
	stopPatience   = 5 * time.Second
	maxEnvelope    = 64 << 20  // far over 100,000 recipients with parameters
	maxDrain       = 256 << 20 // the rest of a refused message, read so that the client hears the refusal
	maxPage        = 500       // hits of one answer; the client asks for the next page
)

// protocol is the version of the wire. Client and server of different versions
// do not talk.
const protocol = 1

// Server answers on a socket for an Archive. Set the fields before Serve.
type Server struct {
	Archive Archive
	// Version is told to clients.
	Version string
	// Log takes what no client can be told; nil is slog.Default().
	Log *slog.Logger
	// UID is the user, besides root, who is an administrator; usually
	// os.Geteuid().
	UID int
	// PeerUID says which user is at the other end; nil asks the kernel.
	PeerUID func(net.Conn) (int, error)
	// Stall is how long a client may neither read nor write; 0 is ten minutes.
	Stall time.Duration

	handlers sync.WaitGroup
}

// Serve answers until ctx ends. Then calls under way are cancelled and waited
// for: when Serve returns, nothing of it uses the Archive any more. It closes
// the listener. The error is nil after a stop by ctx.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerPatience,
		IdleTimeout:       idlePatience,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       s.identify,
		ErrorLog:          slog.NewLogLogger(s.log().Handler(), slog.LevelWarn),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
		defer cancel()
		if server.Shutdown(patience) != nil {
			server.Close()
		}
	})
	err := server.Serve(l)
	if stop() {
		err = errors.Join(err, server.Close())
	} else {
		<-stopped
		err = nil
	}
	s.handlers.Wait()
	return err
}

func (s *Server) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.Default()
}

func (s *Server) stall() time.Duration {
	if s.Stall > 0 {
		return s.Stall
	}
	return stallPatience
}

// peer is who is at the other end of a connection.
type peer struct {
	name    string // for log and audit record
	allowed bool
}

type peerKey struct{}

// identify asks once a connection who is there.
func (s *Server) identify(ctx context.Context, conn net.Conn) context.Context {
	ask := s.PeerUID
	if ask == nil {
		ask = peerUID
	}
	uid, err := ask(conn)
	if err != nil {
		s.log().Warn("control: peer has no name", "error", err)
		return ctx
	}
	p := peer{name: "uid " + strconv.Itoa(uid), allowed: uid == 0 || uid == s.UID}
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		p.name = u.Username
	}
	return context.WithValue(ctx, peerKey{}, p)
}

// handler routes calls. Each of them needs an administrator.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /v1/hello":    s.hello,
		"POST /v1/accept":  s.accept,
		"GET /v1/imported": s.imported,
		"GET /v1/search":   s.search,
		"GET /v1/show":     s.show,
		"GET /v1/raw":      s.raw,
		"POST /v1/audit":   s.audit,
		"POST /v1/users": withoutReport(func(ctx context.Context, scope access.Scope, _ struct{}) ([]User, error) {
			return s.Archive.Users(ctx, scope)
		}),
		"POST /v1/users/act":    withoutReport(s.Archive.ActOnUser),
		"POST /v1/audit/verify": operation(s.Archive.VerifyAudit),
		"POST /v1/fetch":        s.fetch,
		"GET /v1/stats":         s.stats,
		"GET /v1/volume":        s.volume,
		"GET /v1/top":           s.top,
		"POST /v1/archive":      operation(s.Archive.Seal),
		"POST /v1/archives": withoutReport(func(ctx context.Context, scope access.Scope, _ struct{}) ([]ArchiveFile, error) {
			return s.Archive.Archives(ctx, scope)
		}),
		"POST /v1/archives/act": operation(s.Archive.ActOnArchives),
		"POST /v1/restore":      operation(s.Archive.Restore),
		"POST /v1/redeliver":    withoutReport(s.Archive.Redeliver),
		"POST /v1/queue":        withoutReport(s.Archive.Queue),
		"POST /v1/verify":       s.verify,
		"POST /v1/reindex":      s.reindex,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.handlers.Add(1)
			defer s.handlers.Done()
			a := newAnswer(w, s.stall())
			if r.ContentLength != 0 {
				// For a body that nobody reads; net/http does at the end.
				a.control.SetReadDeadline(time.Now().Add(a.stall))
			}
			p, _ := r.Context().Value(peerKey{}).(peer)
			if !p.allowed {
				a.end(nil, fmt.Errorf("%s may not use this archive (root and the user that it runs as may): %w", p.name, mail.ErrNotAllowed))
				return
			}
			h(a, r, access.Everything(p.name))
		})
	}
	return mux
}

// greeting is the answer to hello.
type greeting struct {
	Protocol int    `json:"protocol"`
	Version  string `json:"version"`
	PID      int    `json:"pid"`
}

func (s *Server) hello(a *answer, _ *http.Request, _ access.Scope) {
	a.end(greeting{protocol, s.Version, os.Getpid()}, nil)
}

// envelopeLength is the header that says how many bytes of the body are the
// envelope; the content follows.
const envelopeLength = "Mail-Archive-Envelope-Length"

func (s *Server) accept(a *answer, r *http.Request, _ access.Scope) {
	body := &stallReader{r.Body, a.control, a.stall}
	envelope, err := readEnvelope(body, r.Header.Get(envelopeLength))
	if err != nil {
		a.end(nil, err)
		return
	}
	// The body ends with an error, not EOF, when it was cut: net/http counts
	// Content-Length and wants the last chunk (RFC 9112 6.3, 7.1).
	arrival, err := s.Archive.Accept(r.Context(), envelope, body)
	if err != nil {
		io.CopyN(io.Discard, body, maxDrain)
	}
	a.end(wireArrival{arrival.ID, arrival.Seq, arrival.Digest, arrival.Size, arrival.Received}, err)
}

func readEnvelope(body io.Reader, length string) (mail.Envelope, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > maxEnvelope {
		return mail.Envelope{}, fmt.Errorf("length of envelope %q: %w", length, mail.ErrBadInput)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(body, b); err != nil {
		return mail.Envelope{}, fmt.Errorf("read envelope: %w", err)
	}
	return decodeEnvelope(b)
}

// stallReader gives up a client that sends nothing for the stall time.
type stallReader struct {
	r       io.Reader
	control *http.ResponseController
	stall   time.Duration
}

func (s *stallReader) Read(p []byte) (int, error) {
	if err := s.control.SetReadDeadline(time.Now().Add(s.stall)); err != nil {
		return 0, err
	}
	n, err := s.r.Read(p)
	if errors.Is(err, io.EOF) {
		// From here net/http only watches for the client's going away. After
		// any other error it still reads, and must not wait.
		return n, cmp.Or(s.control.SetReadDeadline(time.Time{}), err)
	}
	return n, err
}

func (s *Server) imported(a *answer, r *http.Request, _ access.Scope) {
	key, err := mail.ParseDigest(r.URL.Query().Get("key"))
	if err != nil {
		a.end(nil, err)
		return
	}
	yes, err := s.Archive.Imported(r.Context(), key)
	a.end(yes, err)
}

func (s *Server) search(a *answer, r *http.Request, scope access.Scope) {
	values := r.URL.Query()
	limit, err := strconv.Atoi(values.Get("limit"))
	if err != nil || limit < 0 {
		a.end(nil, fmt.Errorf("limit %q: %w", values.Get("limit"), mail.ErrBadInput))
		return
	}
	if limit == 0 || limit > maxPage {
		limit = maxPage
	}
	request := SearchRequest{Query: values.Get("query"), Limit: limit, After: values.Get("after"), Sort: values.Get("sort")}
	end, err := s.Archive.Search(r.Context(), scope, request, func(h Hit) error {
		return a.write(line{Hit: &h, Marks: h.Marks}, http.StatusOK)
	})
	a.end(end, err)
}

func (s *Server) show(a *answer, r *http.Request, scope access.Scope) {
	shown, err := s.Archive.Show(r.Context(), scope, r.URL.Query().Get("ref"))
	a.end(shown, err)
}

func (s *Server) stats(a *answer, r *http.Request, scope access.Scope) {
	stats, err := s.Archive.Stats(r.Context(), scope)
	a.end(stats, err)
}

func (s *Server) verify(a *answer, r *http.Request, _ access.Scope) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	verified, err := s.Archive.Verify(ctx, a.sendProgress, func(f Finding) {
		if err := a.send(line{Finding: &f}); err != nil {
			cancel(err) // nobody hears the findings
		}
	})
	a.end(verified, err)
}

func (s *Server) reindex(a *answer, r *http.Request, _ access.Scope) {
	err := s.Archive.Reindex(r.Context(), a.sendProgress)
	a.end(struct{}{}, err)
}
