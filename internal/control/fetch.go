package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// FetchRequest asks for whole messages: those that Refs name, in that order,
// or else all that Query finds, newest first.
type FetchRequest struct {
	Refs  []string `json:"refs,omitempty"`
	Query string   `json:"query,omitempty"`
	// Limit is the most messages of a query; 0 is no limit.
	Limit int `json:"limit,omitempty"`
	// Reason is why, for the audit record.
	Reason string `json:"reason,omitempty"`
}

// Fetched is one message with its bytes.
type Fetched struct {
	catalog.Row
	History []mail.Arrival // by rising seq, as far as the asker may know them
	// Content gives the exact bytes, until the function that got it returns.
	// When it fails, the others go on.
	Content io.Reader
}

// messagesType marks an answer that is a row of pieces: a byte that says what
// it is, four bytes of length (big endian), and that many bytes.
const messagesType = "application/x-mail-archive-messages"

// The pieces. A message is a head, content, and a whole or a failure; behind
// the last message comes the end or a failure of the call. An answer without
// one was cut.
const (
	pieceHead    = 'm' // a wireMessage
	pieceContent = 'c'
	pieceWhole   = 'w' // the content ends here as it should
	pieceFailure = 'e' // a failure
	pieceEnd     = '.'
)

// maxPiece bounds a piece that is read: a head lists all arrivals of a message.
const maxPiece = 256 << 20

// contentPiece is the largest piece of content that is written.
const contentPiece = 64 << 10

// wireMessage is the head of a message.
type wireMessage struct {
	Row       catalog.Row       `json:"row"`
	Delivered []text            `json:"delivered,omitempty"` // Row.DeliveredTo, any bytes
	History   []wireFullArrival `json:"history"`
}

type wireFullArrival struct {
	wireArrival
	Envelope json.RawMessage `json:"envelope"`
}

func encodeMessage(f Fetched) ([]byte, error) {
	m := wireMessage{Row: f.Row, Delivered: convert[text](f.DeliveredTo)}
	m.Row.DeliveredTo = nil
	for _, a := range f.History {
		envelope, err := encodeEnvelope(a.Envelope)
		if err != nil {
			return nil, err
		}
		m.History = append(m.History, wireFullArrival{wireArrival{a.ID, a.Seq, a.Digest, a.Size, a.Received}, envelope})
	}
	return json.Marshal(m)
}

func decodeMessage(b []byte) (f Fetched, err error) {
	var m wireMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return f, fmt.Errorf("read the server's answer: %w", err)
	}
	f.Row = m.Row
	f.DeliveredTo = convert[mail.Address](m.Delivered)
	for _, w := range m.History {
		a := mail.Arrival{ID: w.ID, Seq: w.Seq, Digest: w.Digest, Size: w.Size, Received: w.Received}
		if a.Envelope, err = decodeEnvelope(w.Envelope); err != nil {
			return f, err
		}
		f.History = append(f.History, a)
	}
	return f, nil
}

func (s *Server) fetch(a *answer, r *http.Request, scope access.Scope) {
	var q FetchRequest
	if err := readRequest(a, r, &q); err != nil {
		a.end(nil, err)
		return
	}
	a.w.Header().Set("Content-Type", messagesType)
	w := bufio.NewWriterSize(stallWriter{a}, contentPiece)
	broken := false // the client is gone
	err := s.Archive.Fetch(r.Context(), scope, q, func(f Fetched) error {
		err := sendMessage(w, f)
		broken = err != nil
		return err
	})
	switch {
	case broken:
		panic(http.ErrAbortHandler)
	case err != nil:
		err = sendFailure(w, err)
	default:
		err = sendPiece(w, pieceEnd, nil)
	}
	if errors.Join(err, w.Flush()) != nil {
		panic(http.ErrAbortHandler) // cut: the client knows by the missing end
	}
}

// sendMessage writes a message; an error is one of writing.
func sendMessage(w io.Writer, f Fetched) error {
	head, err := encodeMessage(f)
	if err != nil {
		return err
	}
	if err := sendPiece(w, pieceHead, head); err != nil {
		return err
	}
	b := make([]byte, contentPiece)
	for {
		n, err := f.Content.Read(b)
		if n > 0 {
			if err := sendPiece(w, pieceContent, b[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return sendPiece(w, pieceWhole, nil)
		case err != nil:
			return sendFailure(w, err)
		}
	}
}

func sendFailure(w io.Writer, err error) error {
	f, _ := failureOf(err)
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return sendPiece(w, pieceFailure, b)
}

func sendPiece(w io.Writer, kind byte, b []byte) error {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(b)))
	_, err := w.Write(head)
	if err == nil && len(b) > 0 {
		_, err = w.Write(b)
	}
	return err
}

// Fetch asks the server. The bytes of a message come as each reads them.
func (c *Client) Fetch(ctx context.Context, scope access.Scope, q FetchRequest, each func(Fetched) error) error {
	if err := checkScope(scope); err != nil {
		return err
	}
	b, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	response, err := c.do(ctx, http.MethodPost, "fetch", nil, nil, bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.Header.Get("Content-Type") != messagesType {
		return readAnswer(response, func(*line) error { return nil }, &struct{}{})
	}
	return readMessages(response.Body, each)
}

func readMessages(body io.Reader, each func(Fetched) error) error {
	p := &pieces{r: bufio.NewReaderSize(body, contentPiece)}
	for {
		kind, b, err := p.next()
		if err != nil {
			return err
		}
		switch kind {
		case pieceHead:
			f, err := decodeMessage(b)
			if err != nil {
				return err
			}
			content := &pieceReader{pieces: p}
			f.Content = content
			if err := each(f); err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, content); content.broken {
				return err
			}
		case pieceFailure:
			return decodeFailure(b)
		case pieceEnd:
			return nil
		default:
			return fmt.Errorf("read the server's answer: piece %q is not expected here", kind)
		}
	}
}

func decodeFailure(b []byte) error {
	var f failure
	if err := json.Unmarshal(b, &f); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return f.err()
}

// pieces reads one after the other.
type pieces struct {
	r   *bufio.Reader
	buf []byte
}

// next returns a piece, which is overwritten by the next one.
func (p *pieces) next() (kind byte, b []byte, err error) {
	var head [5]byte
	if _, err = io.ReadFull(p.r, head[:]); err != nil {
		return 0, nil, cutOff(err)
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxPiece {
		return 0, nil, fmt.Errorf("read the server's answer: a piece of %d bytes", n)
	}
	if cap(p.buf) < int(n) {
		p.buf = make([]byte, n)
	}
	b = p.buf[:n]
	if _, err = io.ReadFull(p.r, b); err != nil {
		return 0, nil, cutOff(err)
	}
	return head[0], b, nil
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("the server broke off in mid-answer: %w", err)
}

// pieceReader is the content of one message.
type pieceReader struct {
	*pieces
	left   []byte
	err    error // the end
	broken bool  // the answer is, not just this message
}

func (r *pieceReader) Read(p []byte) (int, error) {
	for len(r.left) == 0 && r.err == nil {
		r.fill()
	}
	if len(r.left) == 0 {
		return 0, r.err
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

func (r *pieceReader) fill() {
	kind, b, err := r.next()
	switch {
	case err != nil:
		r.err, r.broken = err, true
	case kind == pieceContent:
		r.left = b
	case kind == pieceWhole:
		r.err = io.EOF
	case kind == pieceFailure:
		r.err = decodeFailure(b)
	default:
		r.err, r.broken = fmt.Errorf("read the server's answer: piece %q in mid-message", kind), true
	}
}
