package importer

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaildirName is what the name of a file in cur or new says.
type MaildirName struct {
	// Unique is the name without its flags: it stays while a mail program
	// moves the file or changes flags.
	Unique string
	// Flags are the letters behind ":2,", each once, sorted: the letters of
	// Maildir (DFPRST) and what servers add (a-z for keywords).
	Flags string
	// Delivered is the time that the name begins with, in UTC; zero when it
	// does not.
	Delivered time.Time
}

// ParseMaildirName reads a file name as https://cr.yp.to/proto/maildir.html has
// it. Beside the colon, ";" and "!" are taken, which programs use where a file
// system forbids it. A name that says nothing is all Unique.
func ParseMaildirName(name string) MaildirName {
	n := MaildirName{Unique: name}
	for _, info := range []string{":2,", ":1,", ";2,", "!2,"} {
		if i := strings.LastIndex(name, info); i > 0 {
			n.Unique = name[:i]
			if info[1] == '2' { // "1," is experimental and means nothing
				n.Flags = sortedLetters(name[i+len(info):])
			}
			break
		}
	}
	n.Delivered = maildirTime(n.Unique)
	return n
}

// maildirTime reads the seconds in front of the first dot: 9 or 10 digits, that
// is from 1973 to 2286.
func maildirTime(unique string) time.Time {
	digits, _, _ := strings.Cut(unique, ".")
	if len(digits) < 9 || len(digits) > 10 || strings.Trim(digits, "0123456789") != "" {
		return time.Time{}
	}
	sec, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(sec, 0).UTC()
}

// sortedLetters returns the ASCII letters of s, each once, sorted.
func sortedLetters(s string) string {
	var letters []byte
	for _, c := range []byte(s) {
		if c|0x20 >= 'a' && c|0x20 <= 'z' {
			letters = append(letters, c)
		}
	}
	slices.Sort(letters)
	return string(slices.Compact(letters))
}
