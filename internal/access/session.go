package access

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Session is one browser or program that signed in.
type Session struct {
	ID       string // to list and end it by; not what proves it
	Account  string
	Started  time.Time
	LastUsed time.Time
	Ends     time.Time // at the latest; sooner if it is not used
	Client   netip.Addr
	Agent    string // what the browser calls itself
}

// maxSessions is how many sessions one account has; the one that was not used
// for longest ends for the next.
const maxSessions = 50

// maxAgent bounds what is kept of a browser's name, in bytes.
const maxAgent = 200

// session is a Session as it is kept.
type session struct {
	Digest     mail.Digest `json:"digest"` // of the secret
	ID         string      `json:"id"`
	Owner      string      `json:"owner"` // the record's ID
	Generation int         `json:"generation"`
	Started    time.Time   `json:"started"`
	Used       time.Time   `json:"used"`
	Ends       time.Time   `json:"ends"`
	Client     netip.Addr  `json:"client,omitzero"`
	Agent      string      `json:"agent,omitempty"`
}

// sessionsJSON is the file of what signing in leaves behind.
type sessionsJSON struct {
	Format   int       `json:"format"`
	Sessions []session `json:"sessions"`
	// Steps are the last time steps of codes that were used, by record.
	Steps map[string]int64 `json:"steps,omitempty"`
	// Tokens tells when API tokens were used, by their ID.
	Tokens map[string]usage `json:"tokens,omitempty"`
}

type usage struct {
	At     time.Time  `json:"at"`
	Client netip.Addr `json:"client,omitzero"`
}

// sessions are all that are open. They are written down when one begins or
// ends, and once a minute when they are used.
type sessions struct {
	o *Options

	mu       sync.Mutex
	byDigest map[mail.Digest]*session
	steps    map[string]int64
	tokens   map[string]usage
	changed  uint64 // counts changes
	noted    time.Time

	writing sync.Mutex
	written uint64 // what of changed is on disk
}

// noteEach is how often it is written down that sessions are in use.
const noteEach = time.Minute

// openSessions reads the file. What cannot be read is put aside: all sign in
// again.
func openSessions(o *Options) *sessions {
	s := &sessions{o: o, byDigest: map[mail.Digest]*session{}, steps: map[string]int64{}, tokens: map[string]usage{}, noted: o.Now()}
	name := filepath.Join(o.Folder, sessionsFile)
	var content sessionsJSON
	err := readJSON(o.FS, name, &content)
	if err == nil && content.Format != format {
		err = fmt.Errorf("%s has format %d: %w", name, content.Format, mail.ErrDamaged)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return s
	}
	if err != nil {
		o.Logger.Error("sessions cannot be read, all have to sign in again", "step", "access", "error", err,
			"aside", durable.Move(o.FS, name, name+".damaged"))
		return s
	}
	for _, one := range content.Sessions {
		s.byDigest[one.Digest] = &one
	}
	maps.Copy(s.steps, content.Steps)
	maps.Copy(s.tokens, content.Tokens)
	return s
}

// start opens a session, in memory at once. That it could not be written down
// keeps nobody out: on a full disk somebody must come in to make room.
func (s *sessions) start(r *record, t Attempt) (string, session, error) {
	secret, digest, err := newSecret(s.o.Random, "")
	if err != nil {
		return "", session{}, err
	}
	id, err := newName(s.o.Random)
	if err != nil {
		return "", session{}, err
	}
	now := s.o.Now().UTC()
	made := session{
		Digest: digest, ID: id, Owner: r.ID, Generation: r.Generation, Started: now, Used: now, Ends: now.Add(s.o.Lifetime),
		Client: t.Client, Agent: strings.ToValidUTF8(t.Agent[:min(len(t.Agent), maxAgent)], ""),
	}
	s.mu.Lock()
	s.prune(now, r)
	s.byDigest[digest] = &made
	if t.Replaces != "" {
		delete(s.byDigest, mail.Sum([]byte(t.Replaces)))
	}
	s.changed++
	kept := made
	s.mu.Unlock()
	if err := s.save(); err != nil {
		s.o.Logger.Warn("session will not outlast a restart", "step", "access", "session", id, "error", err)
	}
	return secret, kept, nil
}

// prune ends what is over, and of an account's sessions those over the most
// that it may have, one place left free.
func (s *sessions) prune(now time.Time, r *record) {
	var own []*session
	for digest, one := range s.byDigest {
		switch {
		case !s.open(one, now):
			delete(s.byDigest, digest)
		case one.Owner == r.ID:
			own = append(own, one)
		}
	}
	slices.SortFunc(own, func(a, b *session) int { return a.Used.Compare(b.Used) })
	for i := 0; i <= len(own)-maxSessions; i++ {
		delete(s.byDigest, own[i].Digest)
	}
}

// open reports whether a session is within its time.
func (s *sessions) open(one *session, now time.Time) bool {
	return now.Before(one.Ends) && now.Sub(one.Used) < s.o.Idle
}

// use returns the session of a secret if it is within its time, and notes that
// it was used.
func (s *sessions) use(secret string) (session, bool) {
	s.mu.Lock()
	one := s.byDigest[mail.Sum([]byte(secret))]
	now := s.o.Now().UTC()
	if one == nil || !s.open(one, now) {
		s.mu.Unlock()
		return session{}, false
	}
	one.Used = later(one.Used, now)
	kept := *one
	due := s.due(now)
	s.mu.Unlock()
	s.note(due)
	return kept, true
}

// useToken notes that an API token was used.
func (s *sessions) useToken(id string, client netip.Addr) {
	s.mu.Lock()
	now := s.o.Now().UTC()
	s.tokens[id] = usage{now, client}
	due := s.due(now)
	s.mu.Unlock()
	s.note(due)
}

// due reports whether it is time to write down what was used.
func (s *sessions) due(now time.Time) bool {
	s.changed++
	if passed := now.Sub(s.noted); passed >= 0 && passed < noteEach {
		return false
	}
	s.noted = now
	return true
}

func (s *sessions) note(due bool) {
	if !due {
		return
	}
	if err := s.save(); err != nil {
		s.o.Logger.Warn("when sessions were used was not written down", "step", "access", "error", err)
	}
}

// useStep claims the time step of a code; each is good once.
func (s *sessions) useStep(owner string, match func(last int64) (int64, bool)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	step, ok := match(s.steps[owner])
	if ok {
		s.steps[owner] = step
		s.changed++
	}
	return ok
}

// end ends the sessions that ends says. When it returns nil, they stay ended
// after a crash.
func (s *sessions) end(ends func(*session) bool) (n int, err error) {
	s.mu.Lock()
	for digest, one := range s.byDigest {
		if ends(one) {
			delete(s.byDigest, digest)
			n++
		}
	}
	if n > 0 {
		s.changed++
	}
	s.mu.Unlock()
	return n, s.save()
}

// list returns the open sessions, the last used first.
func (s *sessions) list() []session {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []session
	for _, one := range s.byDigest {
		if s.open(one, s.o.Now()) {
			list = append(list, *one)
		}
	}
	slices.SortFunc(list, func(a, b session) int { return cmp.Or(b.Used.Compare(a.Used), cmp.Compare(a.ID, b.ID)) })
	return list
}

// tokenUsage returns when a token was last used.
func (s *sessions) tokenUsage(id string) usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens[id]
}

// flush writes what was not written yet.
func (s *sessions) flush() error { return s.save() }

// save writes all changes so far; what another call wrote meanwhile is not
// written again.
func (s *sessions) save() error {
	s.mu.Lock()
	wanted := s.changed
	s.mu.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.written >= wanted {
		return nil
	}
	content, version := s.content()
	if err := writeJSON(s.o.FS, filepath.Join(s.o.Folder, sessionsFile), content); err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	s.written = version
	return nil
}

func (s *sessions) content() (sessionsJSON, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content := sessionsJSON{Format: format, Sessions: []session{}, Steps: maps.Clone(s.steps), Tokens: maps.Clone(s.tokens)}
	for _, one := range s.byDigest {
		if s.open(one, s.o.Now()) {
			content.Sessions = append(content.Sessions, *one)
		}
	}
	slices.SortFunc(content.Sessions, func(a, b session) int { return cmp.Compare(a.ID, b.ID) })
	return content, s.changed
}

// forget drops what belongs to records and tokens that are gone.
func (s *sessions) forget(now *state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for digest, one := range s.byDigest {
		if r := now.byID[one.Owner]; r == nil || r.Generation != one.Generation {
			delete(s.byDigest, digest)
			s.changed++
		}
	}
	maps.DeleteFunc(s.steps, func(owner string, _ int64) bool { return now.byID[owner] == nil })
	known := make(map[string]bool, len(now.tokens))
	for _, h := range now.tokens {
		known[h.token.ID] = true
	}
	maps.DeleteFunc(s.tokens, func(id string, _ usage) bool { return !known[id] })
}
