package cli

import (
	"bufio"
	"errors"

	"mailarchive/internal/control"
)

// findings shows what long work finds while it goes on, and how far it is.
type findings struct {
	meter  *meter
	out    *bufio.Writer
	asJSON bool
	found  int
	failed error // of showing
}

func (p *program) findings(label string, asJSON bool) *findings {
	return &findings{meter: p.meter(label), out: bufio.NewWriter(p.out), asJSON: asJSON}
}

func (f *findings) report() control.Report {
	return control.Report{Progress: f.meter.update, Finding: f.show}
}

func (f *findings) show(finding control.Finding) {
	f.meter.clear()
	f.found++
	if f.failed == nil {
		f.failed = errors.Join(writeFinding(f.out, finding, f.asJSON), f.out.Flush())
	}
}

// end takes the bar away and returns the work's error, or that of showing.
func (f *findings) end(err error) error {
	f.meter.clear()
	return errors.Join(err, f.failed)
}
