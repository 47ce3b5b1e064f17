package importer

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// joinFolder puts the levels together with "/", empty ones left out.
func joinFolder(levels ...string) string {
	var some []string
	for _, l := range levels {
		if l != "" {
			some = append(some, l)
		}
	}
	return strings.Join(some, "/")
}

// maildirFolder reads the name of a Maildir++ folder: a dot in front, dots
// between levels, each level in the modified UTF-7 of IMAP.
func maildirFolder(name string) string {
	levels := strings.Split(strings.TrimPrefix(name, "."), ".")
	for i, l := range levels {
		levels[i] = decodeUTF7(l)
	}
	return joinFolder(levels...)
}

// dirFolder is what the name of an ordinary folder adds to the mail folder of
// what is in it: ".mbox" (Apple) and ".sbd" (Thunderbird) are not part of a
// name, and a folder that is named for the format says nothing.
func dirFolder(name string) string {
	if lower := strings.ToLower(name); lower == "maildir" || lower == ".maildir" {
		return ""
	}
	return trimAnySuffix(name, ".mbox", ".sbd")
}

// mboxFolder is what the name of an mbox file adds. Inbox and mbox are what
// programs call the one that has no name of its own.
func mboxFolder(name string) string {
	name = trimAnySuffix(trimAnySuffix(name, ".gz"), ".mbox", ".mbx")
	if lower := strings.ToLower(name); lower == "inbox" || lower == "mbox" {
		return ""
	}
	return name
}

// trimAnySuffix takes away the first suffix that fits, in either case, unless
// it is the whole name.
func trimAnySuffix(name string, suffixes ...string) string {
	for _, s := range suffixes {
		if i := len(name) - len(s); i > 0 && strings.EqualFold(name[i:], s) {
			return name[:i]
		}
	}
	return name
}

// decodeUTF7 reads the modified UTF-7 of mailbox names (RFC 3501 5.1.3). What
// is not exactly that is returned as it is: some servers write UTF-8.
func decodeUTF7(s string) string {
	var out strings.Builder
	for rest := s; rest != ""; {
		plain, shifted, found := strings.Cut(rest, "&")
		out.WriteString(plain)
		if !found {
			break
		}
		code, behind, closed := strings.Cut(shifted, "-")
		text, ok := decodeShifted(code)
		if !closed || !ok {
			return s
		}
		out.WriteString(text)
		rest = behind
	}
	return out.String()
}

// decodeShifted reads what stands between & and -: UTF-16 in base 64 with a
// comma for the slash and no padding; nothing stands for & itself.
func decodeShifted(code string) (string, bool) {
	if code == "" {
		return "&", true
	}
	enc := base64.RawStdEncoding.Strict()
	b, err := enc.DecodeString(strings.ReplaceAll(code, ",", "/"))
	if err != nil || len(b)%2 != 0 || strings.Contains(code, "/") {
		return "", false
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	text := string(utf16.Decode(units))
	return text, !strings.ContainsRune(text, utf8.RuneError) && !strings.ContainsAny(text, "\x00/")
}
