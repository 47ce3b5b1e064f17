package access

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mailarchive/internal/mail"
)

// arrivals makes one arrival on the first of January 2026.
func arrivals(from string, to ...string) []mail.Arrival {
	return []mail.Arrival{arrival(1, from, to...)}
}

func arrival(seq uint64, from string, to ...string) mail.Arrival {
	a := mail.Arrival{Seq: seq, ID: mail.ID{15: byte(seq)}, Received: day(2026, 1, int(seq)), Size: 7}
	a.Envelope = mail.Envelope{Source: "smtp", From: mail.Address(from), FromParams: []string{"ENVID=for-" + from}, Client: "192.0.2.1:25"}
	for _, r := range to {
		a.Envelope.To = append(a.Envelope.To, mail.Recipient{Address: mail.Address(r), Params: []string{"ORCPT=" + r}})
	}
	return a
}

func imported(seq uint64, owner string) mail.Arrival {
	return mail.Arrival{Seq: seq, ID: mail.ID{15: byte(seq)}, Received: day(2026, 1, int(seq)), Envelope: mail.Envelope{
		Source: "import:mbox", Origin: &mail.Origin{Owner: mail.Address(owner), Path: "/mail/" + owner},
	}}
}

const (
	annAt, bobAt, boss = "ann@example.org", "bob@example.org", "boss@example.org"
	outside, list      = "eve@outside.example", "staff@lists.example.org"
)

func userOf(addresses ...Owned) Scope {
	return rules().scope(&Account{Name: "u", Role: User, Addresses: addresses})
}

func ann() Scope { return userOf(Owned{Address: annAt}) }

// viewed is a view in short: what shows of each arrival, and of Bcc.
type viewed struct {
	Sees     bool
	Arrivals []string
	Blind    []bool
	Fields   bool
}

func brief(s Scope, m Message) viewed {
	v := s.View(m)
	short := viewed{Sees: s.Sees(m), Blind: v.Blind, Fields: v.Fields}
	for _, a := range v.Arrivals {
		e := a.Envelope
		text := fmt.Sprintf("%d %s:", a.Seq, e.Source)
		if e.From != "" {
			text += " from " + string(e.From)
		}
		for _, r := range e.To {
			text += " to " + string(r.Address)
		}
		if e.Origin != nil {
			text += " of " + string(e.Origin.Owner)
		}
		short.Arrivals = append(short.Arrivals, text)
	}
	return short
}

func TestViews(t *testing.T) {
	auditor := rules().scope(&Account{Role: Auditor, Domains: []string{"example.org"}})
	tagged := rules()
	tagged.Tags = true
	annTags := tagged.scope(&Account{Role: User, Addresses: owned1(annAt)})
	until := func(d int) Scope { return userOf(Owned{Address: annAt, Until: day(2026, 1, d)}) }
	since := func(d int) Scope { return userOf(Owned{Address: annAt, Since: day(2026, 1, d)}) }

	toAnn := Message{Senders: []string{outside}, Recipients: []string{annAt}, Arrivals: arrivals(outside, annAt)}
	withBCC := Message{Senders: []string{outside}, Recipients: []string{annAt}, Arrivals: arrivals(outside, annAt, boss)}
	split := Message{Senders: []string{outside}, Recipients: []string{annAt}, Arrivals: []mail.Arrival{arrival(1, outside, boss), arrival(2, outside, annAt)}}
	journal := Message{Senders: []string{outside}, Recipients: []string{annAt, bobAt}, Arrivals: []mail.Arrival{arrival(1, outside, "archive@example.org"), arrival(2, outside, boss)}}
	bccHeader := Message{Senders: []string{annAt}, Recipients: []string{outside}, Blind: []string{bobAt, boss}, Arrivals: arrivals(annAt, outside, bobAt, boss)}
	listed := Message{Senders: []string{outside}, Recipients: []string{list}, Arrivals: arrivals("bounce+ann=example.org@lists.example.org", annAt, bobAt)}
	box := Message{Senders: []string{outside}, Recipients: []string{list}, Arrivals: []mail.Arrival{imported(1, bobAt), imported(2, annAt)}}
	claims := Message{Senders: []string{outside}, Recipients: []string{bobAt}, Arrivals: arrivals(outside, bobAt)} // Delivered-To: ann is not even in a Message

	nothing := func(m Message) viewed { return viewed{Blind: make([]bool, len(m.Blind))} }
	for _, c := range []struct {
		name  string
		scope Scope
		m     Message
		want  viewed
	}{
		{"to her", ann(), toAnn, viewed{true, []string{"1 smtp: to " + annAt}, []bool{}, false}},
		{"a hidden recipient beside her", ann(), withBCC, viewed{true, []string{"1 smtp: to " + annAt}, []bool{}, false}},
		{"the hidden recipient", userOf(Owned{Address: boss}), withBCC, viewed{true, []string{"1 smtp: to " + boss}, []bool{}, false}},
		{"a hidden recipient in an arrival of his own", ann(), split, viewed{true, []string{"2 smtp: to " + annAt}, []bool{}, false}},
		{"header only", ann(), journal, viewed{true, []string{"1 smtp:"}, []bool{}, false}},
		{"not hers", ann(), claims, nothing(claims)},
		{"the sender sees Bcc, and of the envelope own addresses", ann(), bccHeader, viewed{true, []string{"1 smtp: from " + annAt}, []bool{true, true}, true}},
		{"one of Bcc sees himself", userOf(Owned{Address: bobAt}), bccHeader, viewed{true, []string{"1 smtp: to " + bobAt}, []bool{true, false}, false}},
		{"the recipient sees no Bcc", userOf(Owned{Address: outside}), bccHeader, viewed{true, []string{"1 smtp: to " + outside}, []bool{false, false}, false}},
		{"sender by envelope", ann(), Message{Senders: []string{"info@example.org"}, Blind: []string{boss}, Arrivals: arrivals(annAt, outside)}, viewed{true, []string{"1 smtp: from " + annAt}, []bool{true}, true}},
		{"sent to herself", ann(), Message{Senders: []string{annAt}, Recipients: []string{annAt}, Arrivals: arrivals(annAt, annAt, boss)}, viewed{true, []string{"1 smtp: from " + annAt + " to " + annAt}, []bool{}, true}},
		{"by a list, with a sender made for one", ann(), listed, viewed{true, []string{"1 smtp: to " + annAt}, []bool{}, false}},
		{"the list's own address", userOf(Owned{Address: list}), listed, viewed{true, []string{"1 smtp:"}, []bool{}, false}},
		{"out of her mailbox", ann(), box, viewed{true, []string{"2 import:mbox: of " + annAt}, []bool{}, false}},
		{"no address", userOf(), toAnn, nothing(toAnn)},
		{"an empty address", userOf(Owned{}), Message{Senders: []string{""}, Arrivals: arrivals("", "")}, nothing(Message{})},
		{"no arrival", ann(), Message{Recipients: []string{annAt}}, nothing(Message{})},
		{"a tag that counts", annTags, Message{Arrivals: arrivals(outside, "ann+shop@example.org")}, viewed{true, []string{"1 smtp: to ann+shop@example.org"}, []bool{}, false}},
		{"a tag that does not", ann(), Message{Arrivals: arrivals(outside, "ann+shop@example.org")}, nothing(Message{})},
		{"before her time ended", until(2), toAnn, viewed{true, []string{"1 smtp: to " + annAt}, []bool{}, false}},
		{"after her time", until(1), toAnn, nothing(toAnn)},
		{"one arrival in her time", since(2), split, viewed{true, []string{"2 smtp: to " + annAt}, []bool{}, false}},
		{"by the header, the second arrival in her time", since(2), journal, viewed{true, []string{"2 smtp:"}, []bool{}, false}},
		{"in her time by the header only", until(2), split, viewed{true, []string{"1 smtp:"}, []bool{}, false}},
		{"sent before her time", since(2), bccHeader, nothing(bccHeader)},
		{"in Bcc in her time, by the second arrival", userOf(Owned{Address: bobAt, Since: day(2026, 1, 2)}), Message{Senders: []string{annAt}, Blind: []string{bobAt, boss}, Arrivals: []mail.Arrival{arrival(1, annAt, bobAt), arrival(2, annAt, boss)}}, viewed{true, []string{"2 smtp:"}, []bool{true, false}, false}},
		{"auditor of the domain sees all of it", auditor, split, viewed{true, []string{"1 smtp: from " + outside + " to " + boss, "2 smtp: from " + outside + " to " + annAt}, []bool{}, true}},
		{"auditor, by owner alone", auditor, Message{Senders: []string{outside}, Blind: []string{outside}, Arrivals: []mail.Arrival{imported(1, bobAt)}}, viewed{true, []string{"1 import:mbox: of " + bobAt}, []bool{true}, true}},
		{"auditor of another domain", rules().scope(&Account{Role: Auditor, Domains: []string{"other.example"}}), bccHeader, nothing(bccHeader)},
		{"administrator", Everything("root"), bccHeader, viewed{true, []string{"1 smtp: from " + annAt + " to " + outside + " to " + bobAt + " to " + boss}, []bool{true, true}, true}},
	} {
		if diff := cmp.Diff(c.want, brief(c.scope, c.m)); diff != "" {
			t.Errorf("%s: want (-), got (+):\n%s", c.name, diff)
		}
	}
}

// What else an envelope has may tell of others too.
func TestViewLeavesNoTrace(t *testing.T) {
	a := arrival(1, outside, annAt, boss)
	a.Envelope.Origin = &mail.Origin{Owner: boss, Path: "/mail/boss"}
	before := fmt.Sprint(a)
	shown := ann().View(Message{Arrivals: []mail.Arrival{a}}).Arrivals[0].Envelope
	want := mail.Envelope{Source: "smtp", Client: "192.0.2.1:25", To: []mail.Recipient{{Address: annAt, Params: []string{"ORCPT=" + annAt}}}}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if after := fmt.Sprint(a); after != before {
		t.Errorf("the view changed the message: %s, it was %s", after, before)
	}
	byHeader := ann().View(Message{Recipients: []string{annAt}, Arrivals: arrivals(outside, boss)}).Arrivals[0].Envelope
	if diff := cmp.Diff(mail.Envelope{Source: "smtp"}, byHeader); diff != "" {
		t.Errorf("by the header: want (-), got (+):\n%s", diff)
	}
}

var people = []string{annAt, "Ann@Example.org", bobAt, boss, outside, list, ""}

func genMessage(t *rapid.T) Message {
	some := func(name string) []string { return rapid.SliceOfN(rapid.SampledFrom(people), 0, 3).Draw(t, name) }
	m := Message{Senders: some("senders"), Recipients: some("recipients"), Blind: some("blind")}
	for i := range rapid.IntRange(0, 3).Draw(t, "arrivals") {
		a := arrival(uint64(i+1), rapid.SampledFrom(people).Draw(t, "from"), some("to")...)
		if rapid.Bool().Draw(t, "import") {
			a = imported(uint64(i+1), rapid.SampledFrom(people).Draw(t, "owner"))
		}
		m.Arrivals = append(m.Arrivals, a)
	}
	return m
}

func genScope(t *rapid.T) Scope {
	a := Account{Name: "u", Role: User}
	for range rapid.IntRange(1, 2).Draw(t, "addresses") {
		o := Owned{Address: rapid.SampledFrom([]string{annAt, bobAt}).Draw(t, "address")}
		if rapid.Bool().Draw(t, "since") {
			o.Since = day(2026, 1, rapid.IntRange(1, 3).Draw(t, "day"))
		}
		a.Addresses = append(a.Addresses, o)
	}
	return rules().scope(&a)
}

// All that a view shows of an envelope is the user's own.
func TestViewShowsOwnAddressesOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, m := genScope(t), genMessage(t)
		v := s.View(m)
		if s.Sees(m) != (len(v.Arrivals) > 0) {
			t.Fatalf("sees %t, and %d arrivals show", s.Sees(m), len(v.Arrivals))
		}
		for _, a := range v.Arrivals {
			shown := []mail.Address{a.Envelope.From}
			for _, r := range a.Envelope.To {
				shown = append(shown, r.Address)
			}
			if o := a.Envelope.Origin; o != nil {
				shown = append(shown, o.Owner)
			}
			for _, address := range shown {
				if address != "" && !s.Owns(string(address), a.Received) {
					t.Fatalf("%s shows", address)
				}
			}
		}
	})
}

// What a user sees does not change with whom else the mail went to: hidden
// recipients added to any envelope, in Bcc, or in arrivals of their own leave
// the view as it was.
func TestHiddenRecipientsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, m := genScope(t), genMessage(t)
		hidden := Message{Senders: m.Senders, Recipients: m.Recipients, Blind: append(slices.Clone(m.Blind), "hidden@example.org")}
		for _, a := range m.Arrivals {
			if rapid.Bool().Draw(t, "beside") {
				a.Envelope.To = append(slices.Clone(a.Envelope.To), mail.Recipient{Address: "hidden@example.org"})
			}
			hidden.Arrivals = append(hidden.Arrivals, a)
		}
		if len(m.Arrivals) > 0 {
			// At the end: where only the header names the user, the first one
			// stands for all.
			last := arrival(9, outside, "hidden@example.org")
			last.Received = m.Arrivals[len(m.Arrivals)-1].Received
			hidden.Arrivals = append(hidden.Arrivals, last)
		}
		before, after := s.View(m), s.View(hidden)
		if last := after.Blind[len(m.Blind)]; last != after.Fields {
			t.Fatalf("the hidden one in Bcc shows: %t, sent %t", last, after.Fields)
		}
		after.Blind = after.Blind[:len(m.Blind)]
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("it shows (-without, +with):\n%s", diff)
		}
	})
}

// Who sees more addresses sees no less.
func TestMoreAddressesSeeMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := genMessage(t)
		few, more := ann(), userOf(Owned{Address: annAt}, Owned{Address: bobAt})
		if few.Sees(m) && !more.Sees(m) {
			t.Fatal("sees less")
		}
		if !Everything("root").Sees(m) {
			t.Fatal("root sees less")
		}
	})
}

func TestTellsRecipients(t *testing.T) {
	for field, want := range map[string]bool{
		"Bcc": true, "bcc ": true, "RESENT-BCC": true, "Delivered-To": true, "X-Clear-Delivered-To": true, "X-Original-To": true, "Envelope-To": true,
		"To": false, "Cc": false, "From": false, "Reply-To": false, "Subject": false, "Received": false, "": false,
	} {
		if got := TellsRecipients(field); got != want {
			t.Errorf("%q: %t", field, got)
		}
	}
}

func TestWithoutFor(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"from a by b for <boss@example.org>; Mon, 1 Jan 2026 00:00:00 +0000", "from a by b ; Mon, 1 Jan 2026 00:00:00 +0000"},
		{"from a by b\r\n\tfor <boss@example.org> (envelope-from <x@y>);\r\n\tdate", "from a by b\r\n\t(envelope-from <x@y>);\r\n\tdate"},
		{"from a by b with ESMTP id 1 for boss@example.org; date", "from a by b with ESMTP id 1 ; date"},
		{"from a by b FOR\r\n\t\"a b; c\"@example.org; date", "from a by b ; date"},
		{"from a (for x) by b; date", "from a (for x) by b; date"},
		{"from a (for (x) y) by b; date", "from a (for (x) y) by b; date"},
		{"from before.example by forward; date", "from before.example by forward; date"},
		{"by b for", "by b "},
		{"by b for; date", "by b ; date"},
		{"by b for (list) <x@y>; date", "by b ; date"},
		{"", ""},
		{"nothing", "nothing"},
	} {
		if got := WithoutFor(c.in); got != c.want {
			t.Errorf("%q without for: %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzWithoutFor(f *testing.F) {
	f.Add("from a by b for <c@d>; date")
	f.Add(`by ("\) for "x; y"@z (`)
	f.Fuzz(func(t *testing.T, s string) {
		got := WithoutFor(s)
		if len(got) > len(s) {
			t.Fatalf("%q grew to %q", s, got)
		}
		start, _ := findFor(s)
		if start < 0 && WithoutFor(s+"; date") != s+"; date" {
			t.Fatalf("%q has no for, and lost something", s)
		}
	})
}

// A scope that was made is good for any number of readers at once.
func TestScopesAreShared(t *testing.T) {
	s := ann()
	done := make(chan bool)
	for range 4 {
		go func() { done <- s.Owns(annAt, time.Time{}) && len(s.Addresses()) == 1 }()
	}
	for range 4 {
		if !<-done {
			t.Error("it differs")
		}
	}
}
