package redeliver

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/access"
	"mailarchive/internal/mail"
)

func ours(domain string) bool { return strings.EqualFold(domain, "example.org") }

// planned makes a plan for one message and writes it down in short.
func planned(t *testing.T, content string, delivered []mail.Address, r Request) (short []string) {
	t.Helper()
	s := shelfWith(id(1), content)
	s.delivered = delivered
	p := Planner{Source: s, Local: ours, Host: composer.Host}
	r.By, r.Messages = root, []mail.ID{id(1), id(1)} // the second one is the same
	plan, err := p.Plan(t.Context(), r)
	if err != nil || len(plan.Messages) != 1 {
		t.Fatalf("%+v, %v", plan, err)
	}
	m := plan.Messages[0]
	for _, to := range m.Recipients {
		line := "to " + string(to.Address)
		if !to.Named {
			line += " blind"
		}
		short = append(short, line)
	}
	for _, out := range m.LeftOut {
		short = append(short, "not "+string(out.Address)+": "+out.Reason)
	}
	if m.Problem != "" {
		short = append(short, m.Problem)
	}
	if plan.Recipients() != len(m.Recipients) || plan.Originals != (len(r.To) == 0) {
		t.Errorf("%+v", plan)
	}
	return append(short, string(m.Form))
}

func TestPlan(t *testing.T) {
	const outside = ": its domain is not one of ours"
	const many = "From: x@y\r\nTo: Bob <bob@example.org>, \"Eve, the other\" <EVE@Example.org>\r\nCc: team: zoe@example.org, al@elsewhere.net;\r\n" +
		" =?utf-8?q?Gr=C3=B6=C3=9Fe?= <g@example.org>, nobody, eve@example.org\r\nBcc: secret@example.org\r\n\r\n"
	for _, tt := range []struct {
		name      string
		content   string
		delivered []mail.Address
		r         Request
		want      []string
	}{
		{"original", many, nil, Request{}, []string{"to bob@example.org", "to EVE@Example.org", "to zoe@example.org", "to g@example.org",
			"not al@elsewhere.net" + outside, "not nobody: it is no complete address", string(AsIs)}},
		{"original, external", many, nil, Request{External: true}, []string{"to bob@example.org", "to EVE@Example.org", "to zoe@example.org",
			"to al@elsewhere.net", "to g@example.org", "not nobody: it is no complete address", string(AsIs)}},
		{"envelope", many, []mail.Address{"BOB@example.org", "secret@example.org", "bob@example.org", "x@elsewhere.net", "archive"}, Request{Envelope: true},
			[]string{"to BOB@example.org", "to secret@example.org blind", "not x@elsewhere.net" + outside, "not archive: it is no complete address", string(AsIs)}},
		{"envelope not known", plain, nil, Request{Envelope: true}, []string{"it has no recipient to send it to", string(AsIs)}},
		{"given", plain, []mail.Address{"no@example.org"}, Request{To: []mail.Address{"carl@example.org", "Carl@example.org", "x@y"}},
			[]string{"to carl@example.org", "not x@y" + outside, string(AsIs)}},
		{"given, external", lf(plain), nil, Request{To: []mail.Address{"x@y"}, External: true}, []string{"to x@y", string(LineEnds)}},
		{"nobody of ours", "To: x@y\r\n\r\n", nil, Request{}, []string{"not x@y" + outside, "it has no recipient to send it to", string(AsIs)}},
		{"no recipients", "Subject: x\r\n\r\n", nil, Request{}, []string{"it has no recipient to send it to", string(AsIs)}},
		{"as attachment", plain, nil, Request{Attach: true}, []string{"to bob@example.org", string(Attachment)}},
		{"blind and only as attachment", "Bcc: a@b\r\n" + plain + "\x00", nil, Request{}, []string{errBlind.Error(), string(Attachment)}},
		{"blind, as attachment on request", "Bcc: a@b\r\n" + plain, nil, Request{Attach: true}, []string{"to bob@example.org", string(Attachment)}},
		{"blind, to somebody else", "Bcc: a@b\r\n" + plain + "\x00", nil, Request{To: []mail.Address{"eve@example.org"}}, []string{"to eve@example.org", string(Attachment)}},
		{"our own copy", "Resent-Message-ID: <" + messageID(EntryID{5}, composer.Host) + ">\r\n" + plain, nil, Request{},
			[]string{"it is a copy that was redelivered from here", string(AsIs)}},
		{"strange addresses", "To: <a b@example.org>, <\"a b\"@example.org>, <a@exa\x01mple.org>, <x@[127.0.0.1]>\r\n\r\n", nil, Request{External: true},
			[]string{"to ab@example.org", `to "a b"@example.org`, "to a@example.org", "to x@[127.0.0.1]", string(AsIs)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, planned(t, tt.content, tt.delivered, tt.r)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPlanErrors(t *testing.T) {
	p := Planner{Source: shelfWith(id(1), plain), Local: ours, MaxMessages: 2}
	one := []mail.ID{id(1)}
	for _, tt := range []struct {
		name string
		r    Request
		want error
	}{
		{"nothing", Request{}, mail.ErrBadInput},
		{"too many", Request{Messages: []mail.ID{id(1), id(2), id(3)}}, mail.ErrTooLarge},
		{"both", Request{Messages: one, Envelope: true, To: two}, mail.ErrBadInput},
		{"no address", Request{Messages: one, To: []mail.Address{"bob"}}, mail.ErrBadInput},
		{"an attack", Request{Messages: one, To: []mail.Address{"bob@example.org>\r\nDATA"}}, mail.ErrBadInput},
	} {
		tt.r.By = root
		if _, err := p.Plan(t.Context(), tt.r); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// TestPlanOfBadMessages: each has its problem in its place.
func TestPlanOfBadMessages(t *testing.T) {
	s := shelfWith(id(1), plain)
	p := Planner{Source: s, Local: ours}
	r := Request{By: root, Messages: []mail.ID{id(1), id(2)}}
	problems := func() (all []string) {
		plan, err := p.Plan(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range plan.Messages {
			all = append(all, m.Problem)
		}
		return all
	}
	if diff := cmp.Diff([]string{"", "there is no such message"}, problems()); diff != "" {
		t.Error(diff)
	}
	s.cut = mail.ErrDamaged
	if got := problems()[0]; got != "its bytes are damaged" {
		t.Error(got)
	}
	s.cut = mail.ErrRetry
	if got := problems()[0]; !strings.Contains(got, "try again later") {
		t.Error(got)
	}
	r.By = access.Scope{}
	if got := problems()[0]; got != "there is no such message" {
		t.Errorf("not the asker's: %s", got)
	}
}

// FuzzUnusable: no address that gets into the queue can write a command.
func FuzzUnusable(f *testing.F) {
	for _, s := range []string{"a@b", `"a b"@c`, "a@b>\r\nRSET", "a@[::1]", "@b", "用户@例子"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if unusable(mail.Address(s)) == "" && strings.ContainsAny(s, "\r\n\x00") {
			t.Fatalf("%q is usable", s)
		}
	})
}
