package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	"mailarchive/internal/mail"
)

// errNotForYou is said to who may not use a route.
var errNotForYou = fmt.Errorf("this page: %w", mail.ErrNotAllowed)

// badForm is a form that cannot be read.
func badForm(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("form: %w", mail.ErrTooLarge)
	}
	return fmt.Errorf("form: %v: %w", err, mail.ErrBadInput)
}

// failure is an error as a person sees it: a sentence that says what to do, and
// for what only the log explains the number to look for there.
type failure struct {
	Status int
	Key    string // of the sentence
	Number string
}

// kinds turns the kinds of error into answers.
func failureOf(err error) failure {
	for _, k := range []struct {
		kind error
		failure
	}{
		{mail.ErrNotFound, failure{Status: http.StatusNotFound, Key: "error.not-found"}},
		{mail.ErrAmbiguous, failure{Status: http.StatusConflict, Key: "error.ambiguous"}},
		{mail.ErrNotAllowed, failure{Status: http.StatusForbidden, Key: "error.not-allowed"}},
		{mail.ErrTooLarge, failure{Status: http.StatusRequestEntityTooLarge, Key: "error.too-large"}},
		{mail.ErrBadInput, failure{Status: http.StatusBadRequest, Key: "error.bad-input"}},
		{mail.ErrElsewhere, failure{Status: http.StatusServiceUnavailable, Key: "error.elsewhere"}},
		{mail.ErrDamaged, failure{Status: http.StatusInternalServerError, Key: "error.damaged"}},
		{mail.ErrRetry, failure{Status: http.StatusServiceUnavailable, Key: "error.retry"}},
		{mail.ErrFull, failure{Status: http.StatusServiceUnavailable, Key: "error.full"}},
	} {
		if errors.Is(err, k.kind) {
			return k.failure
		}
	}
	return failure{Status: http.StatusInternalServerError, Key: "error.internal"}
}

// fail answers with what went wrong, unless nobody listens any more.
func (v *visit) fail(err error) {
	if errors.Is(err, context.Canceled) && v.ctx().Err() != nil {
		return
	}
	f := failureOf(err)
	if f.Status >= http.StatusInternalServerError && !errors.Is(err, mail.ErrElsewhere) {
		f.Number = rand.Text()[:8]
		v.s.Log.ErrorContext(v.ctx(), "page failed", "step", "web", "number", f.Number, "route", v.r.Pattern, "error", err)
	}
	v.answerFailure(f)
}

func (v *visit) answerFailure(f failure) {
	if v.partial() && v.r.Header.Get("HX-Target") != "pane" && v.r.Method == http.MethodGet {
		v.w.Header().Set("HX-Redirect", v.r.URL.RequestURI()) // the whole page says it
		v.w.WriteHeader(f.Status)
		return
	}
	name := "failure"
	if v.partial() {
		name = "failure-pane"
	}
	if err := v.show(name, f.Status, f); err != nil {
		v.s.Log.ErrorContext(v.ctx(), "page of a failure failed", "step", "web", "error", err)
		http.Error(v.w, http.StatusText(f.Status), f.Status)
	}
}

// refuse answers a request that does not get as far as its route.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, key string) {
	v := &visit{s: s, w: w, r: r, begun: s.Now(), words: s.locales.choose("", r.Header.Get("Accept-Language")), zone: s.Language.Zone}
	v.answerFailure(failure{Status: status, Key: key})
}

// nothing is the answer to what is not in the table.
func (s *Server) nothing(v *visit) error { return fmt.Errorf("page: %w", mail.ErrNotFound) }
