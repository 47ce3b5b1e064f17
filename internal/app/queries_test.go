package app

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/control"
	"mailarchive/internal/indexer"
	"mailarchive/internal/mail"
	"mailarchive/internal/search"
)

// random makes mail and queries out of the same few words, so that they meet.
type random struct {
	*rand.Rand
	ids []mail.ID // of what is in the archive
}

func (r *random) pick(list ...string) string { return list[r.IntN(len(list))] }

func (r *random) word() string {
	return r.pick("report", "Reports", "reporting", "invoice", "Größe", "naïve", "café", "don't", "RE-2026/00417", "v1.2.3",
		"東京都庁", "東京", "ภาษาไทย", "مرحبا", "cat", "dog", "bird", "annual", "the", "of", "and", "not", "zürich")
}

func (r *random) words(most int) string {
	var list []string
	for range 1 + r.IntN(most) {
		list = append(list, r.word())
	}
	return strings.Join(list, " ")
}

func (r *random) name() string { return r.pick("Alice Archer", "Bob", "Zoë Größe", "Carol Cat", "") }

func (r *random) domain() string {
	return r.pick("home.example", "mail.home.example", "away.example", "other.test")
}

func (r *random) address() string {
	return r.pick("alice", "bob", "carol.cat", "report") + "@" + r.domain()
}

func (r *random) people() string {
	var list []string
	for range 1 + r.IntN(3) {
		list = append(list, fmt.Sprintf(`"%s" <%s>`, r.name(), r.address()))
	}
	return strings.Join(list, ", ")
}

func (r *random) date() time.Time {
	return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(900*24)) * time.Hour)
}

// mail is a message with some of what queries ask for.
func (r *random) mail(n int) []byte {
	var b strings.Builder
	field := func(name, value string) {
		if r.IntN(3) > 0 {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	fmt.Fprintf(&b, "From: %s\r\nDate: %s\r\n", r.people(), r.date().Format(time.RFC1123Z))
	field("To", r.people())
	field("Cc", r.people())
	field("Bcc", r.people())
	field("Subject", r.words(4))
	field("Message-ID", fmt.Sprintf("<M%d@%s>", n, r.domain()))
	field("List-Id", r.words(2)+" <list.home.example>")
	field("X-Mailer", r.words(3))
	text := r.words(40) + ".\r\n" + strings.Repeat(r.words(8)+"\r\n", r.IntN(30))
	if r.IntN(3) > 0 {
		return []byte(b.String() + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + text)
	}
	fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>%s</p>\r\n"+
		"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"%s.pdf\"\r\n\r\n%%PDF\r\n--b--\r\n", text, r.words(2))
	return []byte(b.String())
}

func (r *random) envelope() mail.Envelope {
	e := mail.Envelope{Source: "smtp", From: mail.Address(r.address())}
	for range 1 + r.IntN(2) {
		e.To = append(e.To, mail.Recipient{Address: mail.Address(r.address())})
	}
	return e
}

// query is one of the language; depth bounds how deep it nests.
func (r *random) query(depth int) string {
	switch n := r.IntN(10); {
	case depth == 0 || n < 4:
		return r.term()
	case n < 6:
		return r.query(depth-1) + r.pick(" ", " AND ", "  ") + r.query(depth-1)
	case n < 7:
		return r.query(depth-1) + " OR " + r.query(depth-1)
	case n < 8:
		return r.pick("-", "NOT ") + r.negatable(depth)
	}
	return "(" + r.query(depth-1) + ")" + r.pick("", " ") + r.term()
}

func (r *random) negatable(depth int) string {
	if r.IntN(2) == 0 {
		return "(" + r.query(depth-1) + ")"
	}
	return r.field()
}

func (r *random) term() string {
	if r.IntN(3) == 0 {
		return r.value()
	}
	return r.field()
}

// value is a word, a phrase or the beginning of one.
func (r *random) value() string {
	switch r.IntN(6) {
	case 0:
		return `"` + r.words(2) + `"`
	case 1:
		return `"` + r.word() + r.pick(" rep", " ann", " 東京", " caf") + `"*`
	case 2:
		return r.pick("rep", "REPORT", "inv", "größ", "東京", "東", "ภาษ", "nai", "zur", "0041") + "*"
	}
	return r.pick(r.word(), r.address(), r.domain(), `"`+r.word()+`"`)
}

func (r *random) person() string {
	return r.pick(r.address(), "@"+r.domain(), ".example", ".home.example", r.domain(), "alice", "ali*", "@hom*", "alice@hom*", "carol.cat",
		`"Alice Archer"`, `"alice arch"*`, "größe", "Cat", "ALICE@Home.Example")
}

func (r *random) field() string {
	switch name := r.pick("from", "to", "cc", "bcc", "delivered", "any", "subject", "body", "keyword", "attachment", "message-id",
		"id", "header", "date", "after", "before", "larger", "smaller", "has", "direction"); name {
	case "from", "to", "cc", "bcc", "delivered":
		return name + ":" + r.person()
	case "any", "subject", "body", "attachment":
		return name + ":" + r.value()
	case "keyword":
		return name + ":" + r.pick(`"`+r.words(2)+`"`, r.word(), "rep*", "inv*")
	case "message-id":
		return name + ":" + r.pick("<", "") + fmt.Sprintf("m%d@%s", r.IntN(200), r.domain())
	case "id":
		return name + ":" + r.ids[r.IntN(len(r.ids))].String()[:r.IntN(mail.IDLength-20)+20]
	case "header":
		return name + ":" + r.pick("list-id", "X-MAILER", "x-none") + r.pick("", "="+r.word(), "=rep*", `="`+r.words(2)+`"`)
	case "date", "after", "before":
		return name + ":" + r.dateValue(name)
	case "larger", "smaller":
		return name + ":" + r.pick("0", "1000", "1k", "1.5K", "4k", "2M", "1000b")
	case "has":
		return "has:attachment"
	default:
		return "direction:" + r.pick("in", "out", "internal", "IN")
	}
}

func (r *random) dateValue(name string) string {
	one := func() string { return r.date().Format(r.pick("2006", "2006-01", "2006-01-02")) }
	if name == "date" && r.IntN(3) == 0 {
		return r.pick("2024..2025-06", "..2024-07-01", "2025..", "2024-02..2024-02")
	}
	return r.pick(one(), one(), one(), "today", "yesterday", "300d", "30w", "10m", "1y")
}

func acceptFrom(t *testing.T, a *App, e mail.Envelope, content []byte) mail.ID {
	t.Helper()
	arrival, err := a.Accept(t.Context(), e, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return arrival.ID
}

// reference reads the vault again into a catalog that compares word by word.
func reference(t *testing.T, a *App) *catalogtest.Memory {
	t.Helper()
	memory := &catalogtest.Memory{}
	x := indexer.New(records{a.vault, a.store(), a.manifests}, memory)
	x.Local = indexer.NewDomains(a.config.LocalDomains.List())
	if err := x.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return memory
}

// pagesOf returns the IDs that the archive finds for a query page by page, and
// how many there are as the first page has it.
func pagesOf(ctx context.Context, a *App, query string, size int) (ids []mail.ID, total int, err error) {
	for q := (control.SearchRequest{Query: query, Limit: size}); ; {
		end, err := a.Search(ctx, everything, q, func(h control.Hit) error {
			ids = append(ids, h.ID)
			return nil
		})
		if q.After == "" {
			total = end.Total
		}
		if q.After = end.Next; err != nil || !end.More {
			return ids, total, err
		}
	}
}

// TestGeneratedQueries asks an archive and a slow reference, which goes through
// the vault by itself, the same 2,000 queries, and joins the pages of each.
func TestGeneratedQueries(t *testing.T) {
	const messages = 150
	queries := 2000
	if slowed {
		queries = 150
	}
	c := configured(t)
	if err := c.LocalDomains.UnmarshalText([]byte("home.example, .home.example")); err != nil {
		t.Fatal(err)
	}
	a := opened(t, c)
	r := &random{Rand: rand.New(rand.NewPCG(2026, 3))}
	for n := range messages {
		content := r.mail(n)
		for range 1 + r.IntN(2)*r.IntN(3) {
			r.ids = append(r.ids, acceptFrom(t, a, r.envelope(), content))
		}
	}
	if err := a.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	slow := reference(t, a)
	telling := 0 // queries that some messages match and some do not
	for range queries {
		query := r.query(3) + r.pick("", "", "", " sort:arrival", " sort:date")
		n := agree(t, a, slow, query, 7+r.IntN(60))
		if t.Failed() {
			return
		}
		if 0 < n && n < messages {
			telling++
		}
	}
	if telling < queries/2 {
		t.Errorf("only %d of %d queries tell messages apart", telling, queries)
	}
}

// agree compares what both find, and returns how much that is.
func agree(t *testing.T, a *App, slow *catalogtest.Memory, query string, size int) int {
	t.Helper()
	parsed, err := search.Language{Zone: a.config.Timezone.Location(), Directions: true}.Parse(query)
	if err != nil {
		t.Errorf("%s: %v", query, err)
		return 0
	}
	var want []mail.ID
	q := catalog.Query{Scope: everything, Where: parsed.Where, Order: parsed.Order}
	if err := slow.Search(t.Context(), q, func(h catalog.Hit) bool { want = append(want, h.ID); return true }); err != nil {
		t.Errorf("%s: reference: %v", query, err)
	}
	whole := search.Searcher{Catalog: a.catalog, Language: a.searcher.Language}
	var got []mail.ID
	err = whole.Search(t.Context(), everything, search.Request{Query: query}, func(h search.Hit) bool {
		got = append(got, h.ID)
		return true
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: %d found of %d, %v", query, len(got), len(want), err)
	}
	pages, total, err := pagesOf(t.Context(), a, query, size)
	if err != nil || !slices.Equal(pages, want) || total != len(want) {
		t.Errorf("%s: pages of %d: %d found of %d, %d counted, %v", query, size, len(pages), len(want), total, err)
	}
	return len(want)
}
