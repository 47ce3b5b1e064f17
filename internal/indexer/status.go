package indexer

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Status says how far the catalog is behind the vault.
type Status struct {
	Stored  uint64  // seq of the vault's newest record
	Indexed uint64  // seq up to which all is in the catalog
	Rate    float64 // messages a second over the last ten seconds
	// LastError is what the last attempt failed with, nil when it worked.
	LastError error
}

// Lag is the number of records that are not in the catalog yet.
func (s Status) Lag() uint64 { return s.Stored - min(s.Indexed, s.Stored) }

// Status is exact as of the last Apply. Before the first pass Indexed is 0.
func (ix *Indexer) Status() Status {
	ix.mu.Lock()
	s := ix.status
	ix.mu.Unlock()
	s.Stored = ix.Vault.Last()
	s.Rate = ix.meter.rate(ix.Now())
	return s
}

// applied notes the cursor of the catalog in use. That it could be written
// says that the last error is over, though the pass may go on for hours.
func (ix *Indexer) applied(done, _ uint64) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.status.Indexed, ix.status.LastError = done, nil
}

// place notes where the catalog in use is before a pass: it may be another one
// than before.
func (ix *Indexer) place(cursor uint64) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.status.Indexed = cursor
}

func (ix *Indexer) note(err error) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.status.LastError = err
}

// Register adds the gauges catalog_stored, catalog_indexed and catalog_lag.
func (ix *Indexer) Register(r prometheus.Registerer) error {
	var errs []error
	for _, g := range []struct {
		name, help string
		value      func(Status) uint64
	}{
		{"catalog_stored", "Number of the newest record in the vault.", func(s Status) uint64 { return s.Stored }},
		{"catalog_indexed", "Number of the record up to which all is in the catalog.", func(s Status) uint64 { return s.Indexed }},
		{"catalog_lag", "Records in the vault that are not in the catalog yet.", Status.Lag},
	} {
		errs = append(errs, r.Register(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: g.name, Help: g.help},
			func() float64 { return float64(g.value(ix.Status())) },
		)))
	}
	return errors.Join(errs...)
}

// meterSpan is how far back a rate looks.
const meterSpan = 10 * time.Second

// meter measures a rate from the sizes of the last batches.
type meter struct {
	mu      sync.Mutex
	batches []measured
}

type measured struct {
	at time.Time
	n  int
}

func (m *meter) add(now time.Time, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	m.batches = append(m.batches, measured{now, n})
}

func (m *meter) rate(now time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	total := 0
	for _, b := range m.batches {
		total += b.n
	}
	return float64(total) / meterSpan.Seconds()
}

// forget drops what is too old.
func (m *meter) forget(now time.Time) {
	old := 0
	for old < len(m.batches) && now.Sub(m.batches[old].at) > meterSpan {
		old++
	}
	m.batches = m.batches[old:]
}
