package inert

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// attributes writes what may stay of the attributes of an element.
func (c *cleaner) attributes(element string, have map[string]string) {
	for _, a := range attributes {
		value, ok := have[a.name]
		value = strings.TrimSpace(value)
		if ok && (a.on == nil || a.on[element]) && a.form.MatchString(value) {
			c.attribute(a.name, value)
		}
	}
	if title := strings.TrimSpace(have["title"]); title != "" && len(title) <= maxTitle {
		c.attribute("title", title)
	}
	if element == "a" {
		c.link(have["href"])
	}
	if class := c.class(have["style"]); class != "" {
		c.attribute("class", class)
	}
	c.countBackground(have)
}

// maxTitle is the longest title of an element, maxURL the longest address of a
// link or an image, in bytes.
const (
	maxTitle = 500
	maxURL   = 4 << 10
)

func (c *cleaner) attribute(name, value string) {
	c.out.WriteString(" " + name + `="` + html.EscapeString(strings.ToValidUTF8(value, "\uFFFD")) + `"`)
}

// link lets a reader follow a link by a click of their own, in another window
// that learns nothing of this one.
func (c *cleaner) link(href string) {
	u := address(href)
	if u == nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" {
		return
	}
	c.attribute("href", u.String())
	c.attribute("target", "_blank")
	c.attribute("rel", "noopener noreferrer nofollow")
}

// address reads an absolute URL; nil for what is none. White space and control
// characters, which browsers drop, are dropped first.
func address(s string) *url.URL {
	if len(s) > maxURL {
		return nil
	}
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Scheme != "mailto" && u.Host == "" {
		return nil
	}
	u.User = nil // a name in front of the host is there to deceive
	return u
}

// rasterImage is an image that is written out in its own address (RFC 2397),
// of a kind that cannot hold anything but pixels.
var rasterImage = regexp.MustCompile(`^data:image/(?:png|gif|jpeg|jpg|webp);base64,[A-Za-z0-9+/]+={0,2}$`)

// image writes an image that is part of the message, or, when it is to come
// from elsewhere, what stands for it.
func (c *cleaner) image(have map[string]string) {
	source := strings.TrimSpace(have["src"])
	if packed := strings.Join(strings.Fields(source), ""); rasterImage.MatchString(packed) {
		c.picture(packed, have)
		return
	}
	if id, ok := cutScheme(source, "cid:"); ok {
		c.inline(id, have)
		return
	}
	u := address(source)
	if strings.HasPrefix(source, "//") {
		u = address("https:" + source)
	}
	if u == nil || u.Scheme != "http" && u.Scheme != "https" {
		c.text(have["alt"])
		return
	}
	c.remote++
	if c.options.Remote {
		c.picture(u.String(), have)
		return
	}
	c.placeholder(u.Hostname(), have)
}

func cutScheme(s, scheme string) (string, bool) {
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return "", false
	}
	return s[len(scheme):], true
}

// inline writes an image that is another part of the message (RFC 2392).
func (c *cleaner) inline(id string, have map[string]string) {
	if decoded, err := url.PathUnescape(id); err == nil {
		id = decoded
	}
	where := ""
	if c.options.Inline != nil {
		where = c.options.Inline(id)
	}
	if where == "" {
		c.text(have["alt"])
		return
	}
	c.picture(where, have)
}

func (c *cleaner) picture(source string, have map[string]string) {
	c.out.WriteString("<img")
	c.attribute("src", source)
	c.attribute("alt", have["alt"])
	for _, name := range []string{"width", "height", "border", "align"} {
		form := length
		if name == "align" {
			form = alignment
		}
		if value := strings.TrimSpace(have[name]); form.MatchString(value) {
			c.attribute(name, value)
		}
	}
	if class := c.class(have["style"]); class != "" {
		c.attribute("class", class)
	}
	c.attribute("referrerpolicy", "no-referrer")
	c.out.WriteString(">")
}

// placeholder stands where there would be an image, as large as that, unless
// it is one that nobody was meant to see.
func (c *cleaner) placeholder(host string, have map[string]string) {
	alt := strings.TrimSpace(have["alt"])
	if isSpacer(have["width"], alt) || isSpacer(have["height"], alt) {
		return
	}
	title := host
	if c.options.Placeholder != nil {
		title = c.options.Placeholder(host)
	}
	c.out.WriteString("<span")
	c.attribute("class", strings.TrimSpace("blocked "+c.class(measured(have))))
	c.attribute("title", title)
	c.out.WriteString(">")
	if alt == "" {
		alt = host
	}
	c.text(alt)
	c.out.WriteString("</span>")
}

// measured is the style of an image's size, "" for what has none.
func measured(have map[string]string) (style string) {
	for _, name := range []string{"width", "height"} {
		value := strings.TrimSuffix(strings.TrimSpace(have[name]), "px")
		if small.MatchString(value) {
			style += name + ":" + value + "px;"
		}
	}
	return style
}

// spacer is the largest side, in pixels, of an image that only keeps others
// apart or counts readers.
const spacer = 12

func isSpacer(value, alt string) bool {
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), "px"))
	return err == nil && (n <= 2 || n <= spacer && alt == "")
}

// countBackground counts backgrounds from elsewhere. They are never loaded.
func (c *cleaner) countBackground(have map[string]string) {
	if u := address(have["background"]); u != nil || strings.HasPrefix(have["background"], "//") {
		c.remote++
	}
	if strings.Contains(strings.ToLower(have["style"]), "url(") {
		c.remote++
	}
}
