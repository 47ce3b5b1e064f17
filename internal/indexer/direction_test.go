package indexer

import (
	"testing"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

func people(addresses ...string) []extract.Participant {
	var list []extract.Participant
	for _, a := range addresses {
		list = append(list, extract.Participant{Address: a})
	}
	return list
}

func TestDirection(t *testing.T) {
	domains := NewDomains([]string{"local.example", ".group.example", " Bücher.Example ", ""})
	const ann, bob, sub, out, far = "ann@local.example", "bob@LOCAL.example.", "c@x.y.group.example", "d@else.example", "e@far.example"
	live := func(from string, to ...string) mail.Envelope {
		e := mail.Envelope{Source: "smtp", From: mail.Address(from)}
		for _, a := range to {
			e.To = append(e.To, mail.Recipient{Address: mail.Address(a)})
		}
		return e
	}
	imported := func(owner string) mail.Envelope {
		return mail.Envelope{Source: "import:mbox", Origin: &mail.Origin{Owner: mail.Address(owner)}}
	}
	for name, c := range map[string]struct {
		envelope mail.Envelope
		from, to []extract.Participant
		want     mail.Direction
	}{
		"in":                           {live(out, ann), people(out), people(ann), mail.In},
		"in, with another outside":     {live(out, ann, far), people(out), people(ann, far), mail.In},
		"out":                          {live(ann, out), people(ann), people(out), mail.Out},
		"out, with one inside":         {live(ann, bob, out), people(ann), people(bob, out), mail.Out},
		"internal":                     {live(ann, bob), people(ann), people(bob), mail.Internal},
		"internal, below a domain":     {live(sub, "x@group.example"), people(sub), people("x@group.example"), mail.Internal},
		"a name that only ends alike":  {live("x@notgroup.example", ann), nil, nil, mail.In},
		"passing through":              {live(out, far), people(out), people(far), ""},
		"the envelope goes first":      {live(out, ann), people(ann), people(ann), mail.In},
		"one copy of two":              {live(ann, bob), people(ann), people(bob, out), mail.Internal},
		"null sender, by From":         {live("", ann), people("mailer-daemon@else.example"), people(ann), mail.In},
		"null sender, ours":            {live("", out), people("mailer-daemon@local.example"), people(out), mail.Out},
		"null sender, no From":         {live("", ann), nil, nil, ""},
		"copy for the archive, out":    {live(ann, "archive@local.example"), people(ann), people(out), mail.Out},
		"copy for the archive, in":     {live(out, "archive@local.example"), people(out), people("list@far.example"), mail.In},
		"blind copy outside":           {live(ann, out), people(ann), people(bob), mail.Out},
		"recipient without a domain":   {live(ann, "postmaster"), nil, nil, ""},
		"Unicode and Punycode":         {live("a@xn--bcher-kva.example", "b@bücher.example"), nil, nil, mail.Internal},
		"import, in":                   {imported(""), people(out), people(ann), mail.In},
		"import, out":                  {imported(ann), people(ann), people(out), mail.Out},
		"import, internal":             {imported(bob), people(ann), people(bob), mail.Internal},
		"import, in by a list, owner":  {imported(ann), people(out), people("list@far.example"), mail.In},
		"import, own mail, none named": {imported(ann), people(ann), nil, ""},
		"import, nothing known":        {imported(""), nil, nil, ""},
	} {
		a := mail.Arrival{Envelope: c.envelope}
		m := extract.Message{From: c.from, To: c.to}
		if got := domains.Direction(a, &m); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if got := (Domains{}).Direction(a, &m); got != "" {
			t.Errorf("%s without domains: %q", name, got)
		}
		if got := domains.Direction(a, &extract.Message{From: c.from, Cc: c.to}); got != c.want {
			t.Errorf("%s, in Cc: %q, want %q", name, got, c.want)
		}
	}
}

// The rule's name changes with the domains and not with the way to write them.
func TestRule(t *testing.T) {
	rule := NewDomains([]string{"b.example", ".a.example"}).Rule()
	for _, same := range [][]string{{".a.example", "b.example"}, {"B.example.", ".A.example", "b.example"}, {".a.example", "a.example", "b.example"}} {
		if got := NewDomains(same).Rule(); got != rule {
			t.Errorf("%q: rule %q, want %q", same, got, rule)
		}
	}
	for _, other := range [][]string{nil, {"a.example", "b.example"}, {".a.example"}, {".a.example", ".b.example"}} {
		if got := NewDomains(other).Rule(); got == rule {
			t.Errorf("%q: the same rule %q", other, got)
		}
	}
}

func FuzzDirection(f *testing.F) {
	f.Add("local.example", "a@local.example", "b@else.example")
	f.Add(".xn--", "@", "\"@\"@.")
	f.Fuzz(func(t *testing.T, domain, from, to string) {
		d := NewDomains([]string{domain})
		a := mail.Arrival{Envelope: mail.Envelope{From: mail.Address(from), To: []mail.Recipient{{Address: mail.Address(to)}}}}
		got := d.Direction(a, &extract.Message{From: people(from), To: people(to)})
		_, fromDomain := mail.Address(from).Split()
		if got == mail.Out && !d.Has(fromDomain) {
			t.Errorf("out from %q, local is %q", from, domain)
		}
	})
}

// prepared notes whether documents come complete to Prepare.
type prepared struct {
	*catalogtest.Memory
	bad chan catalog.Document
}

func (p prepared) Prepare(d *catalog.Document) {
	if d.Direction != mail.Out || len(d.Candidates) == 0 || d.SortDate.IsZero() {
		p.bad <- *d
	}
}

func TestWorkersPrepareDocuments(t *testing.T) {
	s := newShelf()
	content := []byte("From: a@local.example\r\nTo: b@else.example\r\nSubject: quarterly turbine maintenance\r\n\r\nThe turbine needs maintenance.\r\n")
	s.put(content, nil)
	c := prepared{&catalogtest.Memory{}, make(chan catalog.Document, 1)}
	ix := newIndexer(s, c)
	ix.Local = NewDomains([]string{"local.example"})
	if err := ix.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case d := <-c.bad:
		t.Errorf("prepared %+v", d)
	default:
	}
	list := rows(t, c, catalog.Directed{Way: mail.Out})
	if len(list) != 1 {
		t.Errorf("%d rows went out", len(list))
	}
}
