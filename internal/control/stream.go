package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// An answer is a row of JSON objects, a line each, of which the last has "end"
// or "error". An answer without one was cut.
const linesType = "application/x-ndjson"

// line is one of them; exactly one field is set, but for Marks, which belong
// to Hit and are not in its own JSON.
type line struct {
	Hit      *Hit            `json:"hit,omitempty"`
	Marks    [][2]int        `json:"marks,omitempty"`
	Progress *Progress       `json:"progress,omitempty"`
	Finding  *Finding        `json:"finding,omitempty"`
	Entry    json.RawMessage `json:"entry,omitempty"`
	End      json.RawMessage `json:"end,omitempty"`
	Error    *failure        `json:"error,omitempty"`
}

// progressPause is the least time between two lines of progress: an eye sees
// no more.
const progressPause = 100 * time.Millisecond

// answer writes lines. Its methods may be called from several goroutines.
type answer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration

	mu       sync.Mutex
	begun    bool
	progress time.Time // of the last line of progress
}

func newAnswer(w http.ResponseWriter, stall time.Duration) *answer {
	return &answer{w: w, control: http.NewResponseController(w), stall: stall}
}

// write sends one line. A peer that takes nothing for the stall time is given
// up.
func (a *answer) write(l line, status int) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.control.SetWriteDeadline(time.Now().Add(a.stall)); err != nil {
		return err
	}
	if !a.begun {
		a.begun = true
		a.w.Header().Set("Content-Type", linesType)
		a.w.WriteHeader(status)
	}
	_, err = a.w.Write(append(b, '\n'))
	return err
}

// send writes a line that must be seen now.
func (a *answer) send(l line) error {
	if err := a.write(l, http.StatusOK); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.control.Flush()
}

// sendProgress sends progress unless some was sent a moment ago.
func (a *answer) sendProgress(p Progress) {
	a.mu.Lock()
	soon := time.Since(a.progress) < progressPause && (p.Total == 0 || p.Done < p.Total)
	if !soon {
		a.progress = time.Now()
	}
	a.mu.Unlock()
	if !soon {
		// A peer that is gone is noticed through the request's context.
		_ = a.send(line{Progress: &p})
	}
}

// end closes the answer with a result or an error.
func (a *answer) end(result any, err error) {
	var last line
	status := http.StatusOK
	if err == nil {
		last.End, err = json.Marshal(result)
	}
	if err != nil {
		last = line{}
		last.Error, status = failureOf(err)
	}
	// Without this line the peer knows that the answer was cut.
	_ = a.write(last, status)
}

// readLines reads an answer: each line before the last goes to each, the end
// to result. An error of the server comes back as an error of its kinds, an
// error of each as it is.
func readLines(body io.Reader, each func(*line) error, result any) error {
	d := json.NewDecoder(body)
	for {
		var l line
		switch err := d.Decode(&l); {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("the server broke off in mid-answer: %w", io.ErrUnexpectedEOF)
		case err != nil:
			return fmt.Errorf("read the server's answer: %w", err)
		case l.Error != nil:
			return l.Error.err()
		case l.End != nil:
			if err := json.Unmarshal(l.End, result); err != nil {
				return fmt.Errorf("read the server's answer: %w", err)
			}
			// Read to the very end, so that the connection serves again.
			_, err := io.Copy(io.Discard, body)
			return err
		}
		if err := each(&l); err != nil {
			return err
		}
	}
}
