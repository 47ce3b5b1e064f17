package importer

import (
	"bytes"
	"strings"
)

// statusFlags returns the letters of the Status and X-Status header fields, in
// which programs keep in an mbox what a message went through: R read, O old,
// A answered, F flagged, D deleted, T draft. head is the message's beginning.
func statusFlags(head []byte) string {
	var letters []byte
	for len(head) > 0 {
		line, rest, _ := bytes.Cut(head, []byte("\n"))
		head = rest
		if len(bytes.TrimSuffix(line, []byte("\r"))) == 0 {
			break
		}
		name, isField := fieldName(line)
		if isField && (strings.EqualFold(name, "Status") || strings.EqualFold(name, "X-Status")) {
			_, value, _ := bytes.Cut(line, []byte(":"))
			if value = bytes.TrimSpace(value); len(bytes.Trim(value, "ROAFDT")) == 0 {
				letters = append(letters, value[:min(len(value), 64)]...)
			} // else some other program's field of that name
		}
	}
	return sortedLetters(string(letters))
}
