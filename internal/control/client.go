package control

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/mail"
)

const (
	// maxConnections is how many calls go on at once; others wait.
	maxConnections = 64
	clientIdle     = time.Minute
	// smallMessage is read ahead, so that it goes in one write with a length.
	smallMessage = 64 << 10
)

// Client is the archive that another process has open. Close lets its
// connections go.
type Client struct {
	http    *http.Client
	version string
	pid     int
}

// Dial connects to the server of a data folder. Errors: ErrNoServer when there
// is none, ErrNotAllowed when the server does not take orders from this user.
func Dial(ctx context.Context, folder string) (*Client, error) {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx, folder)
		},
		MaxConnsPerHost:     maxConnections,
		MaxIdleConnsPerHost: maxConnections,
		IdleConnTimeout:     clientIdle,
		DisableCompression:  true,
		WriteBufferSize:     smallMessage,
		ReadBufferSize:      32 << 10,
	}
	c := &Client{http: &http.Client{Transport: transport}}
	var g greeting
	if err := c.call(ctx, http.MethodGet, "hello", nil, &g); err != nil {
		c.Close()
		return nil, fmt.Errorf("connect to the running archive: %w", err)
	}
	if g.Protocol != protocol {
		c.Close()
		return nil, fmt.Errorf("connect to the running archive: it is version %s and speaks another protocol than this command; restart it", g.Version)
	}
	c.version, c.pid = g.Version, g.PID
	return c, nil
}

// Server tells the version and the process number of the server.
func (c *Client) Server() (version string, pid int) { return c.version, c.pid }

// Close lets idle connections go.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// do sends a request and returns the response to it, whatever its status.
func (c *Client) do(ctx context.Context, method, name string, values url.Values, header http.Header, body io.Reader, length int64) (*http.Response, error) {
	u := url.URL{Scheme: "http", Host: "mail-archive", Path: "/v1/" + name, RawQuery: values.Encode()}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	if header != nil {
		r.Header = header
	}
	r.ContentLength = length
	response, err := c.http.Do(r)
	if err != nil {
		return nil, unwrapURL(err)
	}
	return response, nil
}

// unwrapURL takes away the made-up address that net/http puts before errors.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// call is a request without a body, whose answer is just an end.
func (c *Client) call(ctx context.Context, method, name string, values url.Values, result any) error {
	return c.stream(ctx, method, name, values, func(*line) error { return nil }, result)
}

// stream is a request without a body, whose answer is lines.
func (c *Client) stream(ctx context.Context, method, name string, values url.Values, each func(*line) error, result any) error {
	response, err := c.do(ctx, method, name, values, nil, nil, 0)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return readAnswer(response, each, result)
}

func readAnswer(response *http.Response, each func(*line) error, result any) error {
	if response.Header.Get("Content-Type") != linesType {
		return fmt.Errorf("the running archive does not know this call (%s); restart it with this version", response.Status)
	}
	return readLines(response.Body, each, result)
}

// Accept sends content to the server.
func (c *Client) Accept(ctx context.Context, envelope mail.Envelope, content io.Reader) (mail.Arrival, error) {
	head, err := encodeEnvelope(envelope)
	if err != nil {
		return mail.Arrival{}, fmt.Errorf("write envelope: %w", err)
	}
	header := http.Header{envelopeLength: {strconv.Itoa(len(head))}}
	start := bytes.NewBuffer(head)
	_, err = io.CopyN(start, content, smallMessage)
	length := int64(-1) // not known: chunked
	switch {
	case errors.Is(err, io.EOF):
		length = int64(start.Len())
	case err != nil:
		return mail.Arrival{}, fmt.Errorf("read content: %w", err)
	}
	body := &requestBody{start: start, rest: content, whole: length >= 0}
	// After this the caller's reader is the caller's again.
	defer body.Close()
	return c.sendContent(ctx, header, body, length)
}

func (c *Client) sendContent(ctx context.Context, header http.Header, body *requestBody, length int64) (mail.Arrival, error) {
	response, err := c.do(ctx, http.MethodPost, "accept", nil, header, body, length)
	if own := body.contentError(); own != nil {
		return mail.Arrival{}, fmt.Errorf("read content: %w", own)
	}
	if err != nil {
		return mail.Arrival{}, err
	}
	defer response.Body.Close()
	var a wireArrival
	if err := readAnswer(response, func(*line) error { return nil }, &a); err != nil {
		return mail.Arrival{}, err
	}
	return mail.Arrival{ID: a.ID, Seq: a.Seq, Digest: a.Digest, Size: a.Size, Received: a.Received}, nil
}

// requestBody is envelope and content. net/http may read it in a goroutine of
// its own until Close returns.
type requestBody struct {
	mu     sync.Mutex
	start  *bytes.Buffer
	rest   io.Reader
	whole  bool // nothing is in rest
	closed bool
	err    error // of the caller's reader
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.start.Len() > 0:
		return b.start.Read(p)
	case b.whole:
		return 0, io.EOF
	}
	n, err := b.rest.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

func (b *requestBody) contentError() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Close waits for a Read under way; after it none touches the content.
func (b *requestBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// Imported asks the server.
func (c *Client) Imported(ctx context.Context, key mail.Digest) (yes bool, err error) {
	err = c.call(ctx, http.MethodGet, "imported", url.Values{"key": {key.String()}}, &yes)
	return yes, err
}

// checkScope lets only the scope through that the server gives every client.
func checkScope(scope access.Scope) error {
	if !scope.All() {
		return fmt.Errorf("only an administrator reads through the control socket: %w", mail.ErrNotAllowed)
	}
	return nil
}

// Search walks from page to page. Each page is read whole before it is handed
// on, so a slow reader of results never holds up the server.
func (c *Client) Search(ctx context.Context, scope access.Scope, q SearchRequest, yield func(Hit) error) (SearchEnd, error) {
	if err := checkScope(scope); err != nil {
		return SearchEnd{}, err
	}
	var end SearchEnd
	for done := 0; ; {
		page := q
		if q.Limit > 0 {
			page.Limit = q.Limit - done
		}
		page.After = cmp.Or(end.Next, q.After)
		hits, last, err := c.page(ctx, page)
		if err != nil {
			return end, err
		}
		if done == 0 {
			end.Total, end.TotalMore = last.Total, last.TotalMore
		}
		end.More, end.Next = last.More, last.Next
		end.Notice = cmp.Or(last.Notice, end.Notice)
		for _, h := range hits {
			if err := yield(h); err != nil {
				return end, err
			}
		}
		done += len(hits)
		if !last.More || len(hits) == 0 || last.Next == "" || q.Limit > 0 && done >= q.Limit {
			return end, nil
		}
	}
}

func (c *Client) page(ctx context.Context, q SearchRequest) (hits []Hit, end SearchEnd, err error) {
	values := url.Values{"query": {q.Query}, "limit": {strconv.Itoa(q.Limit)}}
	if q.After != "" {
		values.Set("after", q.After)
	}
	if q.Sort != "" {
		values.Set("sort", q.Sort)
	}
	err = c.stream(ctx, http.MethodGet, "search", values, func(l *line) error {
		if l.Hit != nil {
			l.Hit.Marks = l.Marks
			hits = append(hits, *l.Hit)
		}
		return nil
	}, &end)
	return hits, end, err
}

// Show asks the server.
func (c *Client) Show(ctx context.Context, scope access.Scope, ref string) (shown Shown, err error) {
	if err := checkScope(scope); err != nil {
		return shown, err
	}
	err = c.call(ctx, http.MethodGet, "show", url.Values{"ref": {ref}}, &shown)
	return shown, err
}

// Raw asks the server. Read returns io.EOF only when the server said that the
// bytes are whole.
func (c *Client) Raw(ctx context.Context, scope access.Scope, ref string) (io.ReadCloser, error) {
	if err := checkScope(scope); err != nil {
		return nil, err
	}
	response, err := c.do(ctx, http.MethodGet, "raw", url.Values{"ref": {ref}}, nil, nil, 0)
	if err != nil {
		return nil, err
	}
	if response.Header.Get("Content-Type") == rawType {
		return &rawReader{response: response}, nil
	}
	defer response.Body.Close()
	if err := readAnswer(response, func(*line) error { return nil }, &struct{}{}); err != nil {
		return nil, err
	}
	return nil, errors.New("the server's answer has no message in it")
}

// Stats asks the server.
func (c *Client) Stats(ctx context.Context, scope access.Scope) (stats Stats, err error) {
	if err := checkScope(scope); err != nil {
		return stats, err
	}
	err = c.call(ctx, http.MethodGet, "stats", nil, &stats)
	return stats, err
}

// Verify has the server check; its progress and findings come as they are made.
func (c *Client) Verify(ctx context.Context, progress func(Progress), finding func(Finding)) (verified Verified, err error) {
	err = c.stream(ctx, http.MethodPost, "verify", nil, func(l *line) error {
		if l.Progress != nil {
			progress(*l.Progress)
		}
		if l.Finding != nil {
			finding(*l.Finding)
		}
		return nil
	}, &verified)
	return verified, err
}

// Reindex has the server do it.
func (c *Client) Reindex(ctx context.Context, progress func(Progress)) error {
	return c.stream(ctx, http.MethodPost, "reindex", nil, func(l *line) error {
		if l.Progress != nil {
			progress(*l.Progress)
		}
		return nil
	}, &struct{}{})
}
