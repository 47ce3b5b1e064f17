package web

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"mailarchive/internal/catalog"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/search"
)

// hit is a row of the list.
type hit struct {
	control.Hit
	Way     mail.Direction
	Sender  []piece // a name, or else an address
	Rest    string  // the first recipient, and how many more
	Title   []piece // the subject
	Address string  // of the sender
	Path    string  // of the message's page
	Pane    string  // of its pane
	Pieces  []piece // of the snippet
}

// piece is a part of a text, one of the words looked for or not.
type piece struct {
	Text string
	Mark bool
}

// shownKeywords is how many keywords a row has room for.
const shownKeywords = 2

// Tags are the keywords that the row has room for.
func (h hit) Tags() []string { return h.Keywords[:min(len(h.Keywords), shownKeywords)] }

func (v *visit) newHit(h control.Hit, query string, m search.Marker) hit {
	out := hit{Hit: h, Way: v.direction(h), Pieces: pieces(h.Snippet, h.Marks), Title: marked(m, catalog.Subject, h.Subject)}
	base := "/message/" + h.ID.String()
	back := "?" + encode(url.Values{"q": {query}})
	out.Path, out.Pane = base+back, base+"/pane"+back
	if len(h.From) > 0 {
		name, address := splitPerson(h.From[0])
		out.Address, out.Sender = address, marked(m, catalog.From, cmp.Or(name, address))
	}
	to := append(append([]string{}, h.To...), h.Cc...)
	if len(to) == 0 {
		to = h.DeliveredTo
	}
	if len(to) > 0 {
		name, address := splitPerson(to[0])
		out.Rest = cmp.Or(name, address)
		if len(to) > 1 {
			out.Rest += " +" + strconv.Itoa(len(to)-1)
		}
	}
	return out
}

// marked cuts a text at what the query looks for in it.
func marked(m search.Marker, field catalog.Field, text string) []piece {
	return pieces(text, m.Marks(field, text))
}

// pieces cuts a text at its marks.
func pieces(text string, marks [][2]int) (list []piece) {
	at := 0
	for _, m := range marks {
		if m[0] < at || m[1] < m[0] || m[1] > len(text) {
			continue
		}
		if m[0] > at {
			list = append(list, piece{text[at:m[0]], false})
		}
		list = append(list, piece{text[m[0]:m[1]], true})
		at = m[1]
	}
	if at < len(text) {
		list = append(list, piece{text[at:], false})
	}
	return list
}

// splitPerson takes "Name <address>" apart (see search.People).
func splitPerson(s string) (name, address string) {
	if i := strings.LastIndex(s, " <"); i > 0 && strings.HasSuffix(s, ">") {
		return s[:i], s[i+2 : len(s)-1]
	}
	if strings.Contains(s, "@") {
		return "", s
	}
	return s, ""
}

// direction tells the way of a message by the domains that are ours: from
// outside in, from us out when anybody outside is among the recipients, else
// within.
func (v *visit) direction(h control.Hit) mail.Direction {
	if v.s.Local == nil || len(h.From) == 0 {
		return ""
	}
	_, from := splitPerson(h.From[0])
	if !v.isLocal(from) {
		return mail.In
	}
	for _, list := range [][]string{h.To, h.Cc, h.DeliveredTo} {
		for _, person := range list {
			if _, address := splitPerson(person); address != "" && !v.isLocal(address) {
				return mail.Out
			}
		}
	}
	return mail.Internal
}

func (v *visit) isLocal(address string) bool {
	_, domain := mail.Address(address).Split()
	return domain != "" && v.s.Local(domain)
}

// filterRow is a filter with the menus of its row.
type filterRow struct {
	filter
	Number      int // from 1
	Fields, Ops []choice
	Ways        []choice // for direction
}

// HasValue reports whether the row has a place for a value.
func (r filterRow) HasValue() bool { return r.wantsValue() }

// Index is the row's place from 0.
func (r filterRow) Index() int { return r.Number - 1 }

// filterRows gives filters their menus. The texts are keys.
func filterRows(filters []filter, directions bool) (rows []filterRow) {
	for i, f := range filters {
		row := filterRow{filter: f, Number: i + 1}
		for _, field := range filterFields() {
			if field.Name == "direction" && !directions {
				continue // the query language has it only with domains of our own
			}
			row.Fields = append(row.Fields, choice{field.Name, "field." + field.Name, field.Name == f.Field})
		}
		for _, op := range opsOf(f.Field) {
			row.Ops = append(row.Ops, choice{op, opKey(f.Field, op), op == f.Op})
		}
		for _, way := range ways() {
			row.Ways = append(row.Ways, choice{way, "way." + way, way == f.Value})
		}
		rows = append(rows, row)
	}
	return rows
}

// opKey is the key of what an operator is called.
func opKey(field, op string) string {
	if op == opNot && slices.Contains(opsOf(field), opContains) {
		return "op.lacks"
	}
	return "op." + op
}

func itoa(n int) string { return strconv.Itoa(n) }

// atoi reads a count that only our own pages write; anything else is none.
func atoi(s string) int {
	const most = 1_000_000_000
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > most {
		return 0
	}
	return n
}
