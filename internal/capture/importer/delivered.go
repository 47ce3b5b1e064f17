package importer

import (
	"bytes"
	"net/mail"
	"slices"
	"strings"

	archive "mailarchive/internal/mail"
)

// deliveredField begins the fields in which the old system told whom a message
// was delivered to: its manual says "fields starting with".
const deliveredField = "x-clear-delivered-to"

// deliveredTo returns the distinct addresses in such fields of a header, in
// order. head is the message's beginning.
func deliveredTo(head []byte) []archive.Recipient {
	var all []archive.Recipient
	seen := map[string]bool{}
	for _, value := range deliveredValues(head) {
		for _, address := range addressesIn(value) {
			if key := strings.ToLower(address); !seen[key] {
				seen[key] = true
				all = append(all, archive.Recipient{Address: archive.Address(address)})
			}
		}
	}
	return all
}

// deliveredValues returns the values of the fields, unfolded (RFC 5322 2.2.3).
// A "From " line in front, as some programs leave it, is no field and no end.
func deliveredValues(head []byte) []string {
	var values []string
	open := false // the last field was one of them
	for first := true; len(head) > 0; first = false {
		line, rest, _ := bytes.Cut(head, []byte("\n"))
		head = rest
		line = bytes.TrimSuffix(line, []byte("\r"))
		name, isField := fieldName(line)
		switch {
		case len(line) == 0:
			return values
		case line[0] == ' ' || line[0] == '\t':
			if open {
				values[len(values)-1] += string(line)
			}
		case isField:
			if open = strings.HasPrefix(strings.ToLower(name), deliveredField); open {
				_, value, _ := bytes.Cut(line, []byte(":"))
				values = append(values, string(value))
			}
		case !first || !bytes.HasPrefix(bytes.TrimLeft(line, ">"), fromSpace):
			return values // the header is over, or none
		}
	}
	return values
}

// addressesIn reads an address list (RFC 5322 3.4), and what is none word by
// word: anything with an @ inside.
func addressesIn(value string) []string {
	var all []string
	if list, err := mail.ParseAddressList(value); err == nil {
		for _, a := range list {
			exact := (&mail.Address{Address: a.Address}).String() // a local part that needs quotes has them
			all = append(all, strings.TrimSuffix(strings.TrimPrefix(exact, "<"), ">"))
		}
		return slices.DeleteFunc(all, hasControl)
	}
	isBreak := func(c rune) bool { return strings.ContainsRune(" \t,;<>()", c) }
	for _, word := range strings.FieldsFunc(value, isBreak) {
		if i := strings.LastIndexByte(word, '@'); i > 0 && i < len(word)-1 {
			all = append(all, word)
		}
	}
	return slices.DeleteFunc(all, hasControl)
}

// hasControl reports control characters, which no address has.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}
