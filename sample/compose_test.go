package sample

import (
	"mime"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

const twoPeople = `# remark
===== anna
name: Anna Ä
address: anna@nordwind.example
phone: +49 40 1-001
title-en: Boss

===== bob
name: Bob
address: bob@there.example
lang: en

Bob of There

===== both
name: Both
address: both@nordwind.example
members: anna, anna
`

func files(mail string) fstest.MapFS {
	return fstest.MapFS{
		"mail/cast.txt": {Data: []byte(twoPeople)},
		"mail/a.txt":    {Data: []byte(mail)},
	}
}

func TestComposeOneMessage(t *testing.T) {
	messages, err := compose(files("===== x-1\nfrom: bob\nto: both\nbcc: bob\ndate: 2026-05-04 09:12 +0200\nsubject: Hello\n\nOne line.\n"))
	if err != nil || len(messages) != 1 {
		t.Fatalf("got %d messages, error %v", len(messages), err)
	}
	m := messages[0]
	if m.From != "bob@there.example" || len(m.To) != 1 || m.To[0] != "anna@nordwind.example" {
		t.Errorf("envelope from %s to %v", m.From, m.To)
	}
	for _, want := range []string{"\r\nSubject: Hello\r\n", "\r\nTo: Both <both@nordwind.example>\r\n", "\r\n\r\nOne line.\r\n\r\n-- \r\nBob of There\r\n"} {
		if !strings.Contains(string(m.Data), want) {
			t.Errorf("no %q in\n%s", want, m.Data)
		}
	}
}

func TestComposeSaysWhatIsWrong(t *testing.T) {
	const good = "from: bob\nto: anna\ndate: 2026-05-04 09:12 +0200\n"
	for _, c := range []struct{ mail, want string }{
		{"===== x-1\nfrom: carl\n\nText\n", `x-1: nobody is called "carl"`},
		{"===== x-1\nfrom: bob\nto: anna\ndate: yesterday\n\nText\n", "x-1: parsing time"},
		{"===== x-1\n" + good + "reply: x-0\n\nText\n", `x-1: answers "x-0"`},
		{"===== x-1\nfrom: bob\ndate: 2026-05-04 09:12 +0200\n\nText\n", "x-1: no recipient"},
		{"===== x-1\n" + good + "charset: koi8-r\n\nä\n", "x-1: charset koi8-r"},
		{"===== x-1\n" + good + "charset: us-ascii\n\nä\n", "x-1: not ASCII"},
		{"===== x-1\n" + good + "charset: nonesuch\n\nä\n", "x-1: charset nonesuch"},
		{"===== x-1\n" + good + "encoding: 7bit\n\nä\n", "x-1: 7bit with 8-bit bytes"},
		{"===== x-1\n" + good + "encoding: rot13\n\nä\n", "x-1: no such transfer encoding"},
		{"===== x-1\n" + good + "report: x-0\n\nText\n", "x-1: report: want key"},
		{"===== x-1\n" + good + "\nText\n+++ a.eml\nmessage x-0\n", `x-1: a.eml: no earlier message "x-0"`},
		{"===== x-1\n" + good + "\nText\n+++ a.exe\nx\n", "x-1: a.exe: no way to make a file .exe"},
		{"===== x-1\n" + good + "\nText\n+++ a.png\nphoto\n", "x-1: a.png: picture"},
		{"===== x-1\n" + good + "\nText\n+++ a.png\nbars 9x9 x\n", "x-1: a.png: bars"},
		{"===== x-1\n" + good + "\nText\n+++ a.ics\nuid 1\n", "x-1: a.ics: calendar: no start"},
		{"===== x-1\n" + good + "\nText\n+++ a.zip\nx\n", "x-1: a.zip: zip: nothing to pack"},
		{"===== x-1\n" + good + "\nText\n+++ a.pdf\n日本\n", "x-1: a.pdf:"},
		{"===== x-1\nno field\n\nText\n", `not a field: "no field"`},
		{"===== \nfrom: bob\n\nText\n", "a block without a key"},
		{"===== x-1\n" + good + "\nText\n===== x-1\n" + good + "\nText\n", "x-1: key used twice"},
		{"===== x-1\nfrom: bob\nto: Eve <eve@there.example>\ndate: 2026-05-04 09:12 +0200\n\nText\n", "x-1: nobody to deliver to"},
	} {
		if _, err := compose(files(c.mail)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("compose(%q): got error %v, want %q", c.mail, err, c.want)
		}
	}
}

func TestCastSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ people, want string }{
		{"===== a\nname: A\n", "cast: a: twice, or without an address"},
		{"===== a\naddress: a@b.example\n\n===== a\naddress: a@b.example\n", "cast: a: twice"},
		{"===== a\naddress: a@b.example\nagent: pigeon\n", `no such mail program "pigeon"`},
	} {
		fsys := fstest.MapFS{"mail/cast.txt": {Data: []byte(c.people)}}
		if _, err := compose(fsys); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("compose with %q: got error %v, want %q", c.people, err, c.want)
		}
	}
}

func TestWrapped(t *testing.T) {
	long := strings.Repeat("word ", 20) + "end"
	for _, c := range []struct {
		name, in string
		flowed   bool
		want     string
	}{
		{"short", "a b", false, "a b"},
		{"long", long, false, strings.TrimSpace(strings.Repeat("word ", 14)) + "\n" + strings.Repeat("word ", 6) + "end"},
		{"flowed", long, true, strings.Repeat("word ", 14) + "\n" + strings.Repeat("word ", 6) + "end"},
		{"quoted", "> " + long, true, "> " + strings.TrimSpace(strings.Repeat("word ", 14)) + "\n> " + strings.Repeat("word ", 6) + "end"},
		{"table", "  " + long, false, "  " + long},
		{"no space", strings.Repeat("x", 100), false, strings.Repeat("x", 100)},
		{"stuffed", "From here", true, " From here"},
		{"dashes", "-- ", true, "-- "},
	} {
		if got := wrapped(c.in, c.flowed); got != c.want {
			t.Errorf("%s: got\n%q, want\n%q", c.name, got, c.want)
		}
	}
}

func TestBareSubject(t *testing.T) {
	for in, want := range map[string]string{"AW: Re: WG: x": "x", "Fwd: AW: ": "", "Read: x": "Read: x"} {
		if got := bare(in); got != want {
			t.Errorf("bare(%q): got %q, want %q", in, got, want)
		}
	}
}

func TestMarkup(t *testing.T) {
	got := markup("a < b\n\n  1 2\n  3 4\n> x\n>> y\nsee https://www.nordwind.example/a now")
	want := "<p>a &lt; b</p>\n<pre>  1 2\n  3 4</pre>\n<blockquote type=\"cite\">\n<p>x</p>\n<blockquote type=\"cite\">\n<p>y</p>\n" +
		"</blockquote>\n</blockquote>\n<p>see <a href=\"https://www.nordwind.example/a\">https://www.nordwind.example/a</a> now</p>\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPercent(t *testing.T) {
	if got, want := percent("Rüge 1.pdf"), "UTF-8''R%C3%BCge%201.pdf"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDocumentEscapes(t *testing.T) {
	if got := document("a < b")[2].text; !strings.Contains(got, "<w:t>a &lt; b</w:t>") {
		t.Errorf("got %s", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(twoPeople)
	f.Add("===== x\nfrom: a\n\ntext\n+++ a.csv\n1;2\n")
	f.Add("===== ")
	f.Fuzz(func(t *testing.T, text string) {
		blocks, err := parse(text)
		if err != nil {
			return
		}
		for _, b := range blocks {
			if b.key == "" || strings.Contains(b.key, "\n") {
				t.Errorf("key %q", b.key)
			}
		}
	})
}

// FuzzWrapped joins what was broken and expects the text it was made from.
func FuzzWrapped(f *testing.F) {
	f.Add("word " + strings.Repeat("more words ", 20))
	f.Add("> quoted")
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsAny(text, ">\n") {
			t.Skip()
		}
		got := strings.Join(strings.Fields(wrapped(text, true)), " ")
		if want := strings.Join(strings.Fields(text), " "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func FuzzEncodedWords(f *testing.F) {
	f.Add("Rückruf 2026-08-B", "utf-8", true)
	f.Add("関係 mixed 納期", "utf-8", false)
	f.Fuzz(func(t *testing.T, text, charset string, q bool) {
		letter := byte('B')
		if q {
			letter = 'Q'
		}
		if !utf8.ValidString(text) || text == "" || charset != "utf-8" {
			t.Skip()
		}
		coded, err := encodedWords(charset, text, letter)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.Split(coded, "\r\n ") {
			if len(word) > 75 { // RFC 2047 2
				t.Errorf("word of %d bytes: %s", len(word), word)
			}
		}
		var dec mime.WordDecoder
		got, err := dec.DecodeHeader(strings.ReplaceAll(coded, "\r\n ", " "))
		if err != nil || got != text {
			t.Errorf("got %q, error %v, want %q", got, err, text)
		}
	})
}
