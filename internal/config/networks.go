package config

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a fresh container has no time zones; timezone must work there
)

// Networks says which addresses may connect. The zero Networks admits nobody.
type Networks struct {
	names    []string // as written, for printing
	prefixes []netip.Prefix
}

// word returns the networks that a word stands for, nil for no such word.
func word(name string) []string {
	switch name {
	case "loopback":
		return []string{"127.0.0.0/8", "::1/128"}
	case "private":
		// RFC 1918, RFC 3927, RFC 4193, RFC 4291 2.5.6.
		return []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"}
	case "any":
		return []string{"0.0.0.0/0", "::/0"}
	default:
		return nil
	}
}

// UnmarshalText reads networks, addresses and words between commas.
func (n *Networks) UnmarshalText(text []byte) error {
	var read Networks
	for name := range strings.SplitSeq(string(text), ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		prefixes, err := parseNetwork(name)
		if err != nil {
			return err
		}
		read.names = append(read.names, name)
		read.prefixes = append(read.prefixes, prefixes...)
	}
	*n = read
	return nil
}

func parseNetwork(name string) ([]netip.Prefix, error) {
	if texts := word(strings.ToLower(name)); texts != nil {
		var prefixes []netip.Prefix
		for _, text := range texts {
			prefixes = append(prefixes, netip.MustParsePrefix(text))
		}
		return prefixes, nil
	}
	if address, err := netip.ParseAddr(name); err == nil && address.Zone() == "" {
		return []netip.Prefix{netip.PrefixFrom(address, address.BitLen())}, nil
	}
	prefix, err := netip.ParsePrefix(name)
	if err != nil {
		return nil, &valueError{
			what:    "has " + quote(name) + ", which is no network",
			instead: `networks such as "192.0.2.0/24" or "2001:db8::/32", or the words "loopback", "private", "any"`,
		}
	}
	if prefix != prefix.Masked() {
		return nil, &valueError{
			what:    "has " + quote(name) + ", an address with the length of a network",
			instead: quote(prefix.Masked().String()) + " for the network or " + quote(prefix.Addr().String()) + " for the one address",
		}
	}
	return []netip.Prefix{prefix}, nil
}

// MarshalText writes what UnmarshalText reads.
func (n Networks) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// String is the text of MarshalText.
func (n Networks) String() string { return strings.Join(n.names, ", ") }

// List returns the entries as they were written.
func (n Networks) List() []string { return slices.Clone(n.names) }

// Prefixes returns all networks, words resolved.
func (n Networks) Prefixes() []netip.Prefix { return slices.Clone(n.prefixes) }

// Contains reports whether the address may connect. An IPv4 address in its
// IPv6 form (RFC 4291 2.5.5.2) counts as the IPv4 address that it is.
func (n Networks) Contains(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(n.prefixes, func(p netip.Prefix) bool { return p.Contains(address) })
}

// Zone is a time zone by its name. The zero Zone is UTC.
type Zone struct{ location *time.Location }

// UnmarshalText reads "Local", "UTC" or a name of the IANA database.
func (z *Zone) UnmarshalText(text []byte) error {
	location, err := time.LoadLocation(strings.TrimSpace(string(text)))
	if err != nil {
		return &valueError{what: "is no time zone", instead: `"Local", "UTC" or a name such as "Europe/Berlin"`}
	}
	z.location = location
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (z Zone) MarshalText() ([]byte, error) { return []byte(z.Location().String()), nil }

// Location is the zone for package time, never nil.
func (z Zone) Location() *time.Location {
	if z.location == nil {
		return time.UTC
	}
	return z.location
}
