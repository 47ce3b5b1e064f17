package config

import (
	"slices"
	"strconv"
	"strings"
)

// Flag is a yes or no.
type Flag bool

// UnmarshalText reads true and false, and the words that people write for
// them.
func (f *Flag) UnmarshalText(text []byte) error {
	switch strings.ToLower(strings.TrimSpace(string(text))) {
	case "true", "yes", "on", "1":
		*f = true
	case "false", "no", "off", "0":
		*f = false
	default:
		return &valueError{what: "is neither yes nor no", instead: "true or false"}
	}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (f Flag) MarshalText() ([]byte, error) { return strconv.AppendBool(nil, bool(f)), nil }

// Files are paths.
type Files struct{ paths []string }

// UnmarshalText reads paths between commas.
func (f *Files) UnmarshalText(text []byte) error {
	var read Files
	for path := range strings.SplitSeq(string(text), ",") {
		if path = strings.TrimSpace(path); path != "" {
			read.paths = append(read.paths, path)
		}
	}
	*f = read
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (f Files) MarshalText() ([]byte, error) { return []byte(strings.Join(f.paths, ", ")), nil }

// List returns the paths.
func (f Files) List() []string { return slices.Clone(f.paths) }
