package app

import (
	"strings"
	"sync"
	"time"

	"mailarchive/internal/mail"
)

// rushRate is the number of messages a second from which on intake goes before
// indexing. Below it both fit side by side on two cores.
const rushRate = 1000

// rush notices when mail comes in over connections faster than rushRate. It
// counts in windows of rushWindow and remembers the one before.
type rush struct {
	now func() time.Time

	mu           sync.Mutex
	window       time.Time
	count, prior int
}

const rushWindow = 100 * time.Millisecond

// observe counts a message that was accepted; it is capture.Acceptor.Observe.
// Imports do not count: nobody waits at the other end of a connection.
func (r *rush) observe(e *mail.Envelope, _ int64, _ time.Duration, err error) {
	if err != nil || strings.HasPrefix(e.Source, "import") {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn()
	r.count++
}

// on reports whether there is a rush.
func (r *rush) on() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn()
	const enough = rushRate * int(rushWindow) / int(time.Second)
	return max(r.count, r.prior) > enough
}

// turn begins a new window when the last one is over.
func (r *rush) turn() {
	now := r.now()
	switch since := now.Sub(r.window); {
	case since < rushWindow:
		return
	case since < 2*rushWindow:
		r.prior = r.count
	default:
		r.prior = 0
	}
	r.window, r.count = now, 0
}
