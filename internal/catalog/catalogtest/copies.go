package catalogtest

import (
	"fmt"
	"testing"

	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// manyCopies lets one content come in again and again, each time in a
// batch of its own: known addresses, then new ones, must all be found.
func manyCopies(t *testing.T, s suite) {
	first := Document(1, nil)
	s.apply(t, first)
	const copies = 60
	address := func(i int) mail.Address { return mail.Address(fmt.Sprintf("r%d@copies.example", i/2)) }
	for i := range copies {
		s.apply(t, SameContent(uint64(2+i), first, func(d *catalog.Document) {
			d.Arrival.Envelope.To = recipients(address(i))
		}))
	}
	for i := range copies {
		s.wantFound(t, catalog.Text{Field: catalog.Delivered, Value: string(address(i))}, 1)
	}
	s.agree(t, everything)
}
