package app

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"mailarchive/internal/observe"
	"mailarchive/internal/vault"
)

// registerMetrics adds what the steps count.
func (a *App) registerMetrics() error {
	r := prometheus.WrapRegistererWithPrefix(observe.Namespace+"_", a.registry)
	var errs []error
	vaultGauge := func(name, help string, value func(vault.Stats) float64) {
		errs = append(errs, r.Register(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return value(a.vault.Stats()) })))
	}
	vaultGauge("vault_records", "Records in the chain.", func(s vault.Stats) float64 { return float64(s.Records) })
	vaultGauge("vault_segments", "Segment files.", func(s vault.Stats) float64 { return float64(s.Segments) })
	vaultGauge("vault_bytes", "Bytes of the segment files.", func(s vault.Stats) float64 { return float64(s.BytesDisk) })
	vaultGauge("vault_last_received_seconds", "When the newest record was received, Unix time.", func(s vault.Stats) float64 {
		if s.LastReceived.IsZero() {
			return 0
		}
		return float64(s.LastReceived.UnixMilli()) / 1000
	})
	counter := func(name, help string, value func() int64) {
		errs = append(errs, r.Register(prometheus.NewCounterFunc(
			prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(value()) })))
	}
	counter("capture_accepted_total", "Messages that were told yes.", func() int64 { return a.acceptor.Counts().Accepted })
	counter("capture_failed_total", "Messages that were not told yes.", func() int64 { return a.acceptor.Counts().Failed })
	counter("capture_accepted_bytes_total", "Bytes of the messages that were told yes.", func() int64 { return a.acceptor.Counts().Bytes })
	counter("catalog_remakes_total", "Times that the catalog was made again from the vault.", a.keeper.remakes.Load)
	gauge := func(name, help string, value func() float64) {
		errs = append(errs, r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)))
	}
	gauge("catalog_missing", "Arrivals that the last comparison found in the vault and not in the catalog.",
		func() float64 { return float64(a.keeper.step().Missing) })
	gauge("catalog_in_step", "1 when all that is stored is searchable, but for what came in just now.",
		func() float64 { return number(a.keeper.step().InStep) })
	gauge("catalog_remaking", "1 while the catalog is being made again.",
		func() float64 { return number(a.keeper.step().Remaking) })
	errs = append(errs, a.indexer.Register(r))
	return errors.Join(errs...)
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
