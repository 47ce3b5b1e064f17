package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"mailarchive/internal/access"
	"mailarchive/internal/mail"
)

// Report is where long work tells how far it is and what it found. Either may
// be nil. Neither is called after the work returned, nor two at once.
type Report struct {
	Progress func(Progress)
	Finding  func(Finding)
}

// Say passes progress on to whoever listens.
func (r Report) Say(p Progress) {
	if r.Progress != nil {
		r.Progress(p)
	}
}

// Tell passes a finding on to whoever listens.
func (r Report) Tell(f Finding) {
	if r.Finding != nil {
		r.Finding(f)
	}
}

// maxRequest bounds the request of an operation, in bytes: a hundred thousand
// IDs.
const maxRequest = 8 << 20

// handler answers one kind of call.
type handler func(*answer, *http.Request, access.Scope)

// operation is a call whose request and result are JSON values, with progress
// and findings on the way.
func operation[Q, R any](do func(context.Context, access.Scope, Q, Report) (R, error)) handler {
	return func(a *answer, r *http.Request, scope access.Scope) {
		var q Q
		if err := readRequest(a, r, &q); err != nil {
			a.end(nil, err)
			return
		}
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		result, err := do(ctx, scope, q, Report{Progress: a.sendProgress, Finding: func(f Finding) {
			if err := a.send(line{Finding: &f}); err != nil {
				cancel(err) // nobody hears the findings
			}
		}})
		a.end(result, err)
	}
}

// readRequest reads the JSON value that is the request, to the very end of the
// body: only then does net/http watch for the client's going away.
func readRequest(a *answer, r *http.Request, q any) error {
	b, err := io.ReadAll(io.LimitReader(&stallReader{r.Body, a.control, a.stall}, maxRequest+1))
	switch {
	case err != nil:
		return fmt.Errorf("read request: %w", err)
	case len(b) > maxRequest:
		return fmt.Errorf("the request is larger than %d bytes: %w", maxRequest, mail.ErrTooLarge)
	}
	if err := json.Unmarshal(b, q); err != nil {
		return fmt.Errorf("read request: %v: %w", err, mail.ErrBadInput)
	}
	return nil
}

// invoke has the server do an operation.
func invoke[R any](ctx context.Context, c *Client, scope access.Scope, name string, q any, report Report) (R, error) {
	return invokeLines[R](ctx, c, scope, name, q, func(l *line) error {
		if l.Progress != nil {
			report.Say(*l.Progress)
		}
		if l.Finding != nil {
			report.Tell(*l.Finding)
		}
		return nil
	})
}

// invokeLines is invoke for whoever wants the lines before the end.
func invokeLines[R any](ctx context.Context, c *Client, scope access.Scope, name string, q any, each func(*line) error) (result R, err error) {
	if err := checkScope(scope); err != nil {
		return result, err
	}
	b, err := json.Marshal(q)
	if err != nil {
		return result, fmt.Errorf("write request: %w", err)
	}
	response, err := c.do(ctx, http.MethodPost, name, nil, nil, bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return result, err
	}
	defer response.Body.Close()
	err = readAnswer(response, each, &result)
	return result, err
}

// withoutReport is an operation that has nothing to tell on the way.
func withoutReport[Q, R any](do func(context.Context, access.Scope, Q) (R, error)) handler {
	return operation(func(ctx context.Context, scope access.Scope, q Q, _ Report) (R, error) { return do(ctx, scope, q) })
}
