package extract

import (
	"bytes"
	"io"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxHTMLToken is the longest tag or text run that is looked at as a whole;
// images written into an attribute are longer and are passed over.
const maxHTMLToken = 256 << 10

// htmlText writes the text that a reader of the HTML sees into out: no
// scripts and styles, entities decoded, block elements on lines of their own,
// alternative texts and titles of images and links, also text that a style
// hides (preheaders), since it was sent.
type htmlText struct {
	out  *text
	skip atom.Atom // script, style, … whose content is passed over
}

// read tokenizes r to its end or until out is full.
func (h *htmlText) read(r io.Reader) {
	for !h.out.full() {
		z := html.NewTokenizer(r)
		z.SetMaxBuf(maxHTMLToken)
		for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
			h.token(z, kind)
			if h.out.full() {
				return
			}
		}
		if z.Err() != html.ErrBufferExceeded {
			h.text(z.Raw())
			return
		}
		r = h.overlong(z, r)
	}
}

// overlong goes on behind a token that was too long: its text is taken, a tag
// is passed over to its end.
func (h *htmlText) overlong(z *html.Tokenizer, r io.Reader) io.Reader {
	raw := bytes.Clone(z.Raw())
	rest := bytes.Clone(z.Buffered())
	if len(raw) == 0 || raw[0] != '<' {
		h.text(raw)
		return io.MultiReader(bytes.NewReader(rest), r)
	}
	s := tagEnd{r: io.MultiReader(bytes.NewReader(rest), r)}
	return &s
}

// tagEnd reads what stands behind the next ">".
type tagEnd struct {
	r     io.Reader
	found bool
}

func (t *tagEnd) Read(p []byte) (int, error) {
	for !t.found {
		n, err := t.r.Read(p)
		if i := bytes.IndexByte(p[:n], '>'); i >= 0 {
			t.found = true
			return copy(p, p[i+1:n]), err
		}
		if err != nil {
			return 0, err
		}
	}
	return t.r.Read(p)
}

func (h *htmlText) token(z *html.Tokenizer, kind html.TokenType) {
	switch kind {
	case html.TextToken:
		if h.skip == 0 {
			h.out.write(z.Text())
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		h.open(z, kind)
	case html.EndTagToken:
		name, _ := z.TagName()
		tag := atom.Lookup(name)
		if tag == h.skip {
			h.skip = 0
		}
		h.out.breakAt(tag)
	}
}

func (h *htmlText) open(z *html.Tokenizer, kind html.TokenType) {
	name, attributes := z.TagName()
	tag := atom.Lookup(name)
	if tag == atom.Script || tag == atom.Style {
		if kind == html.StartTagToken {
			h.skip = tag
		}
		return
	}
	h.out.breakAt(tag)
	if h.skip != 0 {
		return
	}
	for attributes {
		var key, value []byte
		key, value, attributes = z.TagAttr()
		switch string(key) {
		case "alt", "title", "placeholder":
			h.out.aside(value)
		case "value":
			if tag == atom.Input {
				h.out.aside(value)
			}
		}
	}
}

// text takes text that is not read as a token: of a run too long for one, or
// what is left of a document that ends within a tag. Behind a quote that is not
// closed that may be words; if it is long, it is an attribute's data.
func (h *htmlText) text(raw []byte) {
	const longest = 1000 // of a tag
	if h.skip == 0 && len(raw) > 0 && (raw[0] != '<' || len(raw) < longest) {
		h.out.write([]byte(html.UnescapeString(string(raw))))
	}
}

// breakAt separates the words before and behind a tag, unless it is one that
// stands within words: "<b>H</b>ello" is one word, two table cells are not.
func (t *text) breakAt(tag atom.Atom) {
	switch tag {
	case atom.B, atom.I, atom.U, atom.S, atom.Em, atom.Strong, atom.Span, atom.Font, atom.A, atom.Big, atom.Small,
		atom.Sub, atom.Sup, atom.Code, atom.Tt, atom.Strike, atom.Del, atom.Ins, atom.Mark, atom.Wbr, atom.Abbr,
		atom.Acronym, atom.Cite, atom.Q, atom.Kbd, atom.Samp, atom.Var, atom.Bdo, atom.Bdi, atom.Label, atom.Script, atom.Style, 0:
	case atom.Td, atom.Th, atom.Img, atom.Input, atom.Option:
		t.space(' ')
	default:
		t.space('\n')
	}
}
