package search

import "mailarchive/internal/catalog"

// Marker knows what a query looks for in each field, to mark it where the
// field is shown. The zero Marker marks nothing.
type Marker struct{ where catalog.Node }

// Marker returns that of a query; one that cannot be read marks nothing.
func (l Language) Marker(query string) Marker {
	q, err := l.Parse(query)
	if err != nil {
		return Marker{}
	}
	return Marker{q.Where}
}

// maxMarks bounds the marks of one text.
const maxMarks = 2000

// Marks returns the byte ranges of a text that the query looks for in the field
// or anywhere, rising and apart. What it excludes is not marked.
func (m Marker) Marks(field catalog.Field, text string) (marks [][2]int) {
	var w wanted
	w.gatherIn(m.where, field)
	end := 0
	w.each(text, 0, func(f found) bool {
		if f.from >= end {
			marks, end = append(marks, [2]int{f.from, f.to}), f.to
		}
		return len(marks) < maxMarks
	})
	return marks
}

// gatherIn gathers the terms that are looked for in a field.
func (w *wanted) gatherIn(n catalog.Node, field catalog.Field) {
	switch n := n.(type) {
	case catalog.Text:
		if n.Field == field || n.Field == catalog.AnyText {
			n.Field = catalog.AnyText
			w.gather(n)
		}
	case catalog.And:
		for _, n := range n {
			w.gatherIn(n, field)
		}
	case catalog.Or:
		for _, n := range n {
			w.gatherIn(n, field)
		}
	}
}
