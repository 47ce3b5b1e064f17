package sample

import (
	"fmt"
	"net/mail"
	"strings"
)

// home is the domain of the trading house and of its machines.
const home = "nordwind.example"

// person is somebody in the cast: one of ours, an outsider, a machine, or a
// list with members.
type person struct {
	name, address string
	lang          string
	agent         agent
	titles        map[string]string
	phone         string
	signature     string // outsiders'
	dkim          string // selector of their domain's signature
	members       []string
}

// agent is a mail program: the header that it writes, and its habits.
type agent struct {
	header   string
	form     string // html, flowed or plain
	encoding string // for text that is not ASCII
	outlook  bool   // answers above a block of "Von: Gesendet: An: Betreff:"
}

func agents() map[string]agent {
	return map[string]agent{
		"outlook":     {"X-Mailer: Microsoft Outlook 16.0", "html", "qp", true},
		"apple":       {"X-Mailer: Apple Mail (2.3774)", "html", "qp", false},
		"thunderbird": {"User-Agent: Mozilla Thunderbird", "flowed", "8bit", false},
		"mutt":        {"User-Agent: Mutt/2.2.9 (2022-11-12)", "plain", "8bit", false},
		"becky":       {"X-Mailer: Becky! ver. 2.81.08 [ja]", "plain", "base64", false},
		"bat":         {"X-Mailer: The Bat! (v10.5.2)", "plain", "8bit", false},
		"foxmail":     {"X-Mailer: Foxmail 7.2.25[cn]", "plain", "base64", false},
		"web":         {"User-Agent: Roundcube Webmail/1.6.5", "plain", "8bit", false},
		"none":        {"", "plain", "qp", false},
	}
}

// cast finds people by their key in mail/cast.txt.
type cast map[string]person

func newCast(blocks []block) (cast, error) {
	c := cast{}
	for _, b := range blocks {
		p := person{
			name: b.get("name"), address: b.get("address"), lang: b.get("lang"),
			titles: map[string]string{"de": b.get("title-de"), "en": b.get("title-en")},
			phone:  b.get("phone"), signature: b.body, dkim: b.get("dkim"),
			members: words(b.get("members")),
		}
		if p.lang == "" {
			p.lang = "de"
		}
		var known bool
		if p.agent, known = agents()[or(b.get("agent"), "none")]; !known {
			return nil, fmt.Errorf("cast: %s: no such mail program %q", b.key, b.get("agent"))
		}
		if _, twice := c[b.key]; twice || p.address == "" {
			return nil, fmt.Errorf("cast: %s: twice, or without an address", b.key)
		}
		c[b.key] = p
	}
	return c, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// find returns the person of a key, or one made from "Name <address>".
func (c cast) find(word string) (person, error) {
	if p, ok := c[word]; ok {
		return p, nil
	}
	if !strings.Contains(word, "@") {
		return person{}, fmt.Errorf("nobody is called %q", word)
	}
	name, address, both := strings.Cut(word, "<")
	if !both {
		name, address = "", word
	}
	p := person{name: strings.TrimSpace(name), address: strings.Trim(address, "<> "), lang: "de", agent: agents()["web"]}
	_, err := mail.ParseAddress("<" + p.address + ">")
	return p, err
}

func (c cast) findAll(list string) ([]person, error) {
	var people []person
	for _, word := range words(list) {
		p, err := c.find(word)
		if err != nil {
			return nil, err
		}
		people = append(people, p)
	}
	return people, nil
}

// ours reports whether a person, list or machine is of the trading house.
func (p person) ours() bool {
	d := p.domain()
	return d == home || strings.HasSuffix(d, "."+home)
}

func (p person) domain() string {
	return p.address[strings.LastIndexByte(p.address, '@')+1:]
}

// title returns what the person is, for a signature in the language.
func (p person) title(lang string) string {
	if lang == "de" {
		return p.titles["de"]
	}
	return p.titles["en"]
}

// deliver replaces lists by their members and returns each address once, in
// order. Without everybody only those of the trading house are taken.
func (c cast) deliver(people []person, everybody bool) ([]string, error) {
	var to []string
	seen := map[string]bool{}
	for _, p := range people {
		members, err := c.expand(p)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if !seen[m.address] && (everybody || m.ours()) {
				seen[m.address] = true
				to = append(to, m.address)
			}
		}
	}
	return to, nil
}

func (c cast) expand(p person) ([]person, error) {
	if p.members == nil {
		return []person{p}, nil
	}
	return c.findAll(strings.Join(p.members, ","))
}
