package inert

import (
	"regexp"
	"strings"
)

// The lists are never changed.
var (
	// allowed elements. Of all others the tags are left out and the content
	// stays.
	allowed = set(`a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup
		dd del dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i ins kbd li main mark
		nav ol p pre q s samp section small span strike strong sub sup table tbody td tfoot th thead time tr tt u ul
		var wbr`)

	// passedOver are elements that are left out with their content: it is no
	// text, or not for here.
	passedOver = set("script style title textarea noscript iframe noembed noframes xmp plaintext svg math template select datalist")

	// void elements have no end tag (HTML standard, 13.1.2).
	void = set("br col hr wbr")

	// ofTable are elements around and in tables: end tags of others do not
	// reach through them.
	ofTable = set("table caption colgroup tbody thead tfoot tr td th")
)

func set(words string) map[string]bool {
	s := map[string]bool{}
	for _, w := range strings.Fields(words) {
		s[w] = true
	}
	return s
}

// The forms of attribute values.
var (
	length    = regexp.MustCompile(`^[0-9]{1,4}(\.[0-9]{1,3})?(%|px)?$`)
	small     = regexp.MustCompile(`^[0-9]{1,3}$`)
	size      = regexp.MustCompile(`^[+-]?[0-9]{1,2}$`)
	colour    = regexp.MustCompile(`^(#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,30}|[0-9a-fA-F]{6})$`)
	language  = regexp.MustCompile(`^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8}){0,4}$`)
	typeface  = regexp.MustCompile(`^[a-zA-Z0-9 ,'_-]{1,200}$`)
	counter   = regexp.MustCompile(`^([0-9]{1,4}|[1aAiI])$`)
	alignment = regexp.MustCompile(`^(?i:left|right|center|justify|middle|top|bottom|baseline)$`)
	direction = regexp.MustCompile(`^(?i:ltr|rtl|auto)$`)
)

// attribute is an attribute that may stay when its value has the form.
type attribute struct {
	name string
	form *regexp.Regexp
	on   map[string]bool // elements; nil for all
}

// attributes are those that go out as they came, in this order.
var attributes = []attribute{
	{"dir", direction, nil},
	{"lang", language, nil},
	{"align", alignment, nil},
	{"valign", alignment, nil},
	{"bgcolor", colour, nil},
	{"color", colour, set("font hr")},
	{"width", length, set("table td th col colgroup hr")},
	{"height", length, set("table td th tr")},
	{"border", small, set("table")},
	{"cellpadding", small, set("table")},
	{"cellspacing", small, set("table")},
	{"colspan", small, set("td th")},
	{"rowspan", small, set("td th")},
	{"span", small, set("col colgroup")},
	{"size", size, set("font hr")},
	{"face", typeface, set("font")},
	{"start", counter, set("ol")},
	{"type", counter, set("ol")},
	{"value", counter, set("li")},
}
