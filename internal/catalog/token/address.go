package token

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"mailarchive/internal/mail"
)

// Parts are the terms that an address is found by. Two spellings of one
// address have equal parts: case does not count, nor quotes that are not
// needed, nor whether the domain is written in Punycode or Unicode. Different
// addresses have different parts. None holds ASCII white space or control
// characters, and none is longer than [MaxAddress] bytes.
type Parts struct {
	Whole  string // local@domain
	Local  string
	Domain string // in Unicode; empty when the address has none
	// Parents are the domains above, nearest first: for mail.corp.example
	// corp.example and example.
	Parents []string
}

// MaxAddress is the longest part in bytes. RFC 5321 4.5.3.1 allows 254 for
// the whole; of what is longer the end is replaced by a digest.
const MaxAddress = 320

// maxParents bounds Parents; names in use have far fewer labels.
const maxParents = 10

// Address folds an address as it stands in an envelope or header, without
// angle brackets.
func Address(addr string) Parts {
	local, domain := mail.Address(strings.TrimSpace(addr)).Split()
	local = escape(fold(unquote(local)))
	domain = escape(Domain(domain))
	p := Parts{Whole: local, Local: local, Domain: domain}
	if domain != "" {
		p.Whole = local + "@" + domain
	}
	for rest := domain; len(p.Parents) < maxParents; {
		_, parent, found := strings.Cut(rest, ".")
		if !found || strings.HasPrefix(domain, "[") {
			break
		}
		if parent != "" {
			p.Parents = append(p.Parents, shorten(parent))
		}
		rest = parent
	}
	p.Whole, p.Local, p.Domain = shorten(p.Whole), shorten(local), shorten(domain)
	return p
}

// Domain folds a domain: lower case, Unicode (RFC 5890 U-labels), no dot at
// the end. A label that is no valid Punycode stays as it is.
func Domain(domain string) string {
	domain = strings.TrimSuffix(fold(strings.TrimSpace(domain)), ".")
	if !strings.Contains(domain, "xn--") {
		return domain
	}
	labels := strings.Split(domain, ".")
	for i, l := range labels {
		if u, err := idna.Punycode.ToUnicode(l); err == nil {
			labels[i] = fold(u)
		}
	}
	return strings.Join(labels, ".")
}

func fold(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		ascii = ascii && s[i] < 0x80
	}
	if ascii {
		return strings.ToLower(s)
	}
	return norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.ToValidUTF8(s, "\uFFFD"))))
}

// unquote undoes the quotes of a local part (RFC 5321 4.1.2).
func unquote(local string) string {
	if len(local) < 2 || local[0] != '"' || local[len(local)-1] != '"' {
		return local
	}
	local = local[1 : len(local)-1]
	var b strings.Builder
	for i := 0; i < len(local); i++ {
		if local[i] == '\\' && i+1 < len(local) {
			i++
		}
		b.WriteByte(local[i])
	}
	return b.String()
}

// escape writes white space and control characters, and the escape sign
// itself, as % and two digits.
func escape(s string) string {
	special := func(c byte) bool { return c <= ' ' || c == 0x7f || c == '%' }
	clean := true
	for i := 0; i < len(s); i++ {
		clean = clean && !special(s[i])
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if special(s[i]) {
			fmt.Fprintf(&b, "%%%02x", s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// shorten keeps different long parts different.
func shorten(s string) string {
	if len(s) <= MaxAddress {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	digest := hex.EncodeToString(sum[:])
	return strings.ToValidUTF8(s[:MaxAddress-len(digest)-1], "") + "~" + digest
}
