package config

import (
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// Domains are names of mail domains; one with a dot in front covers those
// below it too. The zero Domains has none.
type Domains struct{ names []string }

// UnmarshalText reads names between commas.
func (d *Domains) UnmarshalText(text []byte) error {
	var read Domains
	for name := range strings.SplitSeq(string(text), ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if !isDomain(strings.TrimPrefix(name, ".")) {
			return &valueError{
				what:    "has " + quote(name) + ", which is no domain",
				instead: `domains such as "example.org", or ".example.org" for those below it too`,
			}
		}
		read.names = append(read.names, name)
	}
	*d = read
	return nil
}

// isDomain is lenient: names of hosts and of intranets count (RFC 5321 2.3.5),
// in Unicode (RFC 6531) or as Punycode; what was meant otherwise does not.
func isDomain(name string) bool {
	if strings.ContainsAny(name, "@/:*?,;\"'()<>[]\\ \t") || strings.Contains(name, "..") {
		return false
	}
	ascii, err := idna.Punycode.ToASCII(strings.TrimSuffix(name, "."))
	return err == nil && ascii != "" && len(ascii) <= 253 && !strings.HasPrefix(ascii, ".")
}

// MarshalText writes what UnmarshalText reads.
func (d Domains) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String is the text of MarshalText.
func (d Domains) String() string { return strings.Join(d.names, ", ") }

// List returns the entries as they were written.
func (d Domains) List() []string { return slices.Clone(d.names) }
