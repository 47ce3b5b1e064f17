package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"mailarchive/internal/access"
)

// rawType marks an answer that is exact bytes; its last word is in rawEnd.
const rawType = "application/octet-stream"

// rawEnd is the trailer (RFC 9110 6.5) behind exact bytes: a line with an end
// or an error. Bytes without it were cut.
const rawEnd = "Mail-Archive-End"

func (s *Server) raw(a *answer, r *http.Request, scope access.Scope) {
	content, err := s.Archive.Raw(r.Context(), scope, r.URL.Query().Get("ref"))
	if err != nil {
		a.end(nil, err)
		return
	}
	a.w.Header().Set("Content-Type", rawType)
	a.w.Header().Set("Trailer", rawEnd)
	_, err = io.Copy(stallWriter{a}, content)
	err = errors.Join(err, content.Close())
	last := line{End: json.RawMessage("{}")}
	if err != nil {
		last = line{}
		last.Error, _ = failureOf(err)
	}
	trailer, err := json.Marshal(last)
	if err != nil {
		panic(http.ErrAbortHandler) // cut: better than an end that says nothing
	}
	a.w.Header().Set(rawEnd, string(trailer))
}

// stallWriter gives up a client that takes nothing for the stall time.
type stallWriter struct{ *answer }

func (s stallWriter) Write(p []byte) (int, error) {
	if err := s.control.SetWriteDeadline(time.Now().Add(s.stall)); err != nil {
		return 0, err
	}
	return s.w.Write(p)
}

// rawReader is the client's end: EOF only when the server said so.
type rawReader struct {
	response *http.Response
	err      error
}

func (r *rawReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.response.Body.Read(p)
	if err != nil {
		r.err = r.last(err)
	}
	return n, r.err
}

// last turns the body's end into the server's last word.
func (r *rawReader) last(err error) error {
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("the server broke off in mid-message: %w", err)
	}
	var l line
	trailer := r.response.Trailer.Get(rawEnd)
	switch err := json.Unmarshal([]byte(trailer), &l); {
	case err != nil || l.End == nil && l.Error == nil:
		return fmt.Errorf("the server broke off in mid-message: %w", io.ErrUnexpectedEOF)
	case l.Error != nil:
		return l.Error.err()
	default:
		return io.EOF
	}
}

func (r *rawReader) Close() error { return r.response.Body.Close() }
