package control

import (
	"context"
	"errors"
	"net/http"

	"mailarchive/internal/mail"
)

// kind is an error of package mail on the wire.
type kind struct {
	code   string
	err    error
	status int
}

// kinds is the table of all that survive the wire. The first that an error
// wraps decides the status.
func kinds() []kind {
	return []kind{
		{"not-found", mail.ErrNotFound, http.StatusNotFound},
		{"ambiguous", mail.ErrAmbiguous, http.StatusConflict},
		{"not-allowed", mail.ErrNotAllowed, http.StatusForbidden},
		{"too-large", mail.ErrTooLarge, http.StatusRequestEntityTooLarge},
		{"bad-input", mail.ErrBadInput, http.StatusBadRequest},
		{"full", mail.ErrFull, http.StatusInsufficientStorage},
		{"damaged", mail.ErrDamaged, http.StatusInternalServerError},
		{"retry", mail.ErrRetry, http.StatusServiceUnavailable},
		{"canceled", context.Canceled, http.StatusServiceUnavailable},
		{"deadline", context.DeadlineExceeded, http.StatusServiceUnavailable},
	}
}

// failure is an error on the wire: its words and all its kinds.
type failure struct {
	Text  string   `json:"text"`
	Kinds []string `json:"kinds,omitempty"`
}

// failureOf describes an error, with the status for an answer that has only
// that.
func failureOf(err error) (*failure, int) {
	f := &failure{Text: err.Error()}
	status := http.StatusInternalServerError
	for _, k := range kinds() {
		if !errors.Is(err, k.err) {
			continue
		}
		if f.Kinds == nil {
			status = k.status
		}
		f.Kinds = append(f.Kinds, k.code)
	}
	return f, status
}

// remoteError is an error that happened in the server. It wraps the kinds that
// the error there wrapped.
type remoteError struct {
	text  string
	kinds []error
}

func (e *remoteError) Error() string   { return e.text }
func (e *remoteError) Unwrap() []error { return e.kinds }

func (f *failure) err() error {
	e := &remoteError{text: f.Text}
	for _, k := range kinds() {
		for _, code := range f.Kinds {
			if k.code == code {
				e.kinds = append(e.kinds, k.err)
			}
		}
	}
	return e
}
