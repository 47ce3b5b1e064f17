package inert

import (
	"io"
	"strings"

	"golang.org/x/net/html"
)

// Limits of one message.
const (
	maxInput  = 4 << 20 // bytes of HTML that are looked at
	maxOutput = 8 << 20 // bytes of HTML that are made: escaping makes it grow
	maxToken  = 1 << 20 // bytes of one tag, images in it included
	maxDepth  = 200     // elements in each other; deeper ones lose their tags
)

// Options say what may be shown.
type Options struct {
	// Inline returns the address of the part that a cid: URL names (RFC 2392),
	// "" when there is none.
	Inline func(contentID string) string
	// Remote lets images be loaded from other servers.
	Remote bool
	// Placeholder says, as a title, that an image is not loaded from a host;
	// nil stands for the host's name.
	Placeholder func(host string) string
}

// Page is HTML that was made harmless.
type Page struct {
	Body   string // elements for a body
	Style  string // the sheet that the classes in it are defined in
	Remote int    // images and backgrounds from other servers, shown or not
	Cut    bool   // something behind the limits is left out
}

// Clean makes HTML in UTF-8 harmless. The error is only ever r's own.
func Clean(r io.Reader, o Options) (Page, error) {
	in := &counted{r: io.LimitReader(r, maxInput)}
	c := &cleaner{options: o, sheet: sheet{classes: map[string]string{}}}
	z := html.NewTokenizer(in)
	z.SetMaxBuf(maxToken)
	for kind := z.Next(); kind != html.ErrorToken && c.out.Len() < maxOutput; kind = z.Next() {
		c.token(z, kind)
	}
	c.closeTo(0)
	page := Page{Body: c.out.String(), Style: c.sheet.String(), Remote: c.remote}
	page.Cut = in.n >= maxInput || c.out.Len() >= maxOutput || z.Err() == html.ErrBufferExceeded
	return page, in.err
}

// counted notes how much was read and why reading failed.
type counted struct {
	r   io.Reader
	n   int
	err error // other than io.EOF
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// cleaner writes the page.
type cleaner struct {
	options Options
	out     strings.Builder
	open    []string // elements written and not closed, outermost first
	skip    string   // element whose content is passed over
	skipped int      // elements of that name open in it
	sheet   sheet
	remote  int
}

func (c *cleaner) token(z *html.Tokenizer, kind html.TokenType) {
	switch kind {
	case html.TextToken:
		if c.skip == "" {
			c.text(string(z.Text()))
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		c.start(z, kind == html.SelfClosingTagToken)
	case html.EndTagToken:
		name, _ := z.TagName()
		c.end(string(name))
	}
}

// text escapes all that means something in HTML, quotes included.
func (c *cleaner) text(s string) {
	c.out.WriteString(html.EscapeString(strings.ToValidUTF8(s, "\uFFFD")))
}

func (c *cleaner) start(z *html.Tokenizer, closed bool) {
	b, more := z.TagName()
	name := string(b)
	if c.skip != "" {
		if name == c.skip && !closed {
			c.skipped++
		}
		return
	}
	if passedOver[name] {
		if !closed {
			c.skip, c.skipped = name, 1
		}
		return
	}
	attributes := attributesOf(z, more)
	if name == "img" {
		c.image(attributes)
		return
	}
	if !allowed[name] || len(c.open) >= maxDepth {
		c.countBackground(attributes)
		return
	}
	c.out.WriteString("<" + name)
	c.attributes(name, attributes)
	c.out.WriteString(">")
	if !void[name] {
		c.open = append(c.open, name)
	}
}

// maxAttributes is how many attributes of an element are looked at.
const maxAttributes = 100

// attributesOf reads the attributes of a tag; of several with one name the
// first counts, as in browsers.
func attributesOf(z *html.Tokenizer, more bool) map[string]string {
	list := map[string]string{}
	for more && len(list) < maxAttributes {
		var key, value []byte
		key, value, more = z.TagAttr()
		if _, known := list[string(key)]; !known {
			list[string(key)] = string(value)
		}
	}
	return list
}

// end closes an element when it is open, with all that is open in it.
func (c *cleaner) end(name string) {
	if c.skip != "" {
		if name == c.skip {
			if c.skipped--; c.skipped == 0 {
				c.skip = ""
			}
		}
		return
	}
	for i := len(c.open) - 1; i >= 0; i-- {
		if c.open[i] == name {
			c.closeTo(i)
			return
		}
		if c.open[i] == "table" || !ofTable[name] && ofTable[c.open[i]] {
			return // a stray tag in a cell closes nothing around it
		}
	}
}

func (c *cleaner) closeTo(depth int) {
	for i := len(c.open) - 1; i >= depth; i-- {
		c.out.WriteString("</" + c.open[i] + ">")
	}
	c.open = c.open[:depth]
}
