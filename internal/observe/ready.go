package observe

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// checkPatience is how long a check may take before it counts as failed: a
// probe that asks every ten seconds must get its answer before the next.
const checkPatience = 5 * time.Second

// Check says whether one part of the archive can do its work. The detail is a
// few words for a person; a nil error means yes.
type Check func(ctx context.Context) (detail string, err error)

// Result is what one check said.
type Result struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// Checks are the parts that must work before the archive is ready. The zero
// value has none and is ready. All methods may be called at once.
type Checks struct {
	// Patience bounds one check; 0 is five seconds.
	Patience time.Duration

	mu    sync.Mutex
	parts []*part
}

// part is a registered check and the run of it that is under way. A check that
// hangs is waited for by all who ask, not started again.
type part struct {
	name    string
	check   Check
	running chan struct{} // closed at the end; nil when none runs
	last    Result
}

// Register adds a check; results come in the order of registration.
func (c *Checks) Register(name string, check Check) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parts = append(c.parts, &part{name: name, check: check})
}

// Run asks all parts at once and reports whether all of them work. A part that
// gives no answer within Patience, or before ctx ends, has failed.
func (c *Checks) Run(ctx context.Context) (results []Result, ready bool) {
	ctx, cancel := context.WithTimeout(ctx, c.patience())
	defer cancel()
	c.mu.Lock()
	parts := c.parts[:len(c.parts):len(c.parts)]
	runs := make([]chan struct{}, len(parts))
	for i, p := range parts {
		runs[i] = c.start(p)
	}
	c.mu.Unlock()

	ready = true
	for i, p := range parts {
		results = append(results, c.await(ctx, p, runs[i]))
		ready = ready && results[i].OK
	}
	return results, ready
}

func (c *Checks) patience() time.Duration {
	if c.Patience > 0 {
		return c.Patience
	}
	return checkPatience
}

// start begins a run of the part unless one is under way. The lock is held.
func (c *Checks) start(p *part) chan struct{} {
	if p.running != nil {
		return p.running
	}
	done := make(chan struct{})
	p.running = done
	go func() {
		// Not the asker's context: others may wait for this run too.
		ctx, cancel := context.WithTimeout(context.Background(), c.patience())
		defer cancel()
		detail, err := p.check(ctx)
		result := Result{Name: p.name, OK: err == nil, Detail: detail}
		if err != nil {
			result.Detail = err.Error()
		}
		c.mu.Lock()
		p.last, p.running = result, nil
		c.mu.Unlock()
		close(done)
	}()
	return done
}

func (c *Checks) await(ctx context.Context, p *part, done chan struct{}) Result {
	select {
	case <-done:
		c.mu.Lock()
		defer c.mu.Unlock()
		return p.last
	case <-ctx.Done():
		return Result{Name: p.name, Detail: fmt.Sprintf("no answer within %s", c.patience())}
	}
}
