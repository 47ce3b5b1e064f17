package inert

import (
	"fmt"
	"regexp"
	"strings"
)

// Limits of styles: of one attribute, and of the sheet that comes of all.
const (
	maxStyle   = 4 << 10
	maxClasses = 3000
	maxSheet   = 256 << 10
)

// sheet gathers style attributes as classes.
type sheet struct {
	classes map[string]string // by declarations
	text    strings.Builder
}

// String returns the rules of the sheet.
func (s *sheet) String() string { return s.text.String() }

// class returns the class that stands for a style attribute; "" when nothing
// of it may stay.
func (c *cleaner) class(style string) string {
	declarations := declarations(style)
	if declarations == "" {
		return ""
	}
	s := &c.sheet
	if name, ok := s.classes[declarations]; ok {
		return name
	}
	if len(s.classes) >= maxClasses || s.text.Len()+len(declarations) > maxSheet {
		return ""
	}
	name := fmt.Sprintf("m%d", len(s.classes)+1)
	s.classes[declarations] = name
	s.text.WriteString("." + name + "{" + declarations + "}\n")
	return name
}

// declarations writes what may stay of a style attribute.
func declarations(style string) string {
	if len(style) > maxStyle || strings.ContainsAny(style, `\<{}@`) || strings.Contains(style, "/*") {
		return "" // escapes and comments hide what is meant
	}
	var out strings.Builder
	for d := range strings.SplitSeq(style, ";") {
		property, value, ok := strings.Cut(d, ":")
		property = strings.ToLower(strings.TrimSpace(property))
		value = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "!important"))
		if property == "background" {
			property = "background-color"
		}
		form, known := properties[property]
		if !ok || !known || !form.MatchString(value) || !quoted(value) {
			continue
		}
		out.WriteString(property + ":" + value + ";")
	}
	return out.String()
}

// quoted reports whether the quotes of a value are of one kind and closed.
func quoted(value string) bool {
	double, single := strings.Count(value, `"`), strings.Count(value, "'")
	return double%2 == 0 && single%2 == 0 && (double == 0 || single == 0)
}

// The forms of values. None has a colon, a slash with a star, an address or a
// function other than those of colours.
const (
	number   = `(?:[0-9]{1,5}(?:\.[0-9]{0,4})?|\.[0-9]{1,4})`
	measure  = number + `(?:px|pt|pc|em|rem|ex|ch|in|cm|mm|%)?`
	rgb      = `(?i:rgba?|hsla?)\([0-9., %]{1,40}\)`
	tint     = `(?:#[0-9a-fA-F]{3,8}|` + rgb + `|[a-zA-Z]{3,30})`
	keyword  = `[a-zA-Z][a-zA-Z-]{0,30}`
	anyPiece = `(?:` + measure + `|` + tint + `|` + keyword + `)`
)

func whole(form string) *regexp.Regexp { return regexp.MustCompile(`^` + form + `$`) }

// properties that may stay, with the form of their value. Never changed.
// Nothing here moves an element out of its place: no position, no transform,
// no negative margin.
var properties = func() map[string]*regexp.Regexp {
	list := map[string]*regexp.Regexp{}
	add := func(form string, names string) {
		for _, name := range strings.Fields(names) {
			list[name] = whole(form)
		}
	}
	add(tint, "color background-color border-color border-top-color border-right-color border-bottom-color border-left-color")
	add(keyword, `font-style font-variant text-align text-transform white-space direction float clear
		border-collapse list-style-type list-style-position table-layout caption-side empty-cells visibility overflow-wrap word-break
		word-wrap border-top-style border-right-style border-bottom-style border-left-style`)
	add(`(?i:none|block|inline|inline-block|list-item|table|inline-table|table-row|table-cell|table-row-group|table-caption)`, "display")
	add(`(?:`+measure+`|`+keyword+`)`, `font-size font-weight line-height letter-spacing word-spacing vertical-align text-indent
		width max-width min-width height min-height margin-top margin-right margin-bottom margin-left padding-top
		padding-right padding-bottom padding-left border-top-width border-right-width border-bottom-width border-left-width`)
	add(`(?:`+measure+`|`+keyword+`)(?: (?:`+measure+`|`+keyword+`)){0,3}`, "margin padding border-width border-style border-spacing border-radius text-decoration text-decoration-line")
	add(anyPiece+`(?: `+anyPiece+`){0,2}`, "border border-top border-right border-bottom border-left")
	add(`[a-zA-Z0-9 ,'"_-]{1,300}`, "font-family")
	return list
}()
