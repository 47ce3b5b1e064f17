package sample

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// A text file is a row of blocks:
//
//	===== key
//	name: value
//	(blank line)
//	body, a line per paragraph
//	+++ name of an attachment
//	its text
//
// Lines that begin with # before the first block are remarks.
const (
	blockMark   = "===== "
	sectionMark = "+++ "
)

// block is one message or one person as written in a text file.
type block struct {
	key      string
	fields   map[string][]string
	body     string
	sections []section
}

// section is an attachment, an inline image ("inline:name") or, under the name
// "html", the HTML form of the body.
type section struct{ name, text string }

// get returns the first value of a field, empty when there is none.
func (b block) get(name string) string {
	if values := b.fields[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// has reports whether a word stands in a field of words.
func (b block) has(name, word string) bool {
	for _, w := range words(b.get(name)) {
		if w == word {
			return true
		}
	}
	return false
}

// words splits at commas; a comma always parts two words.
func words(s string) []string {
	var list []string
	for _, w := range strings.Split(s, ",") {
		if w = strings.TrimSpace(w); w != "" {
			list = append(list, w)
		}
	}
	return list
}

// readAll reads the people in mail/cast.txt and the messages in all other
// files of the folder.
func readAll(fsys fs.FS) (people, messages []block, err error) {
	names, err := fs.Glob(fsys, "mail/*.txt")
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, nil, err
		}
		blocks, err := parse(string(raw))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		if path.Base(name) == "cast.txt" {
			people = append(people, blocks...)
		} else {
			messages = append(messages, blocks...)
		}
	}
	return people, messages, nil
}

// parse reads the blocks of one file. The error names the block.
func parse(text string) ([]block, error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var blocks []block
	for i, chunk := range strings.Split("\n"+text, "\n"+blockMark) {
		if i == 0 {
			continue // remarks
		}
		key, rest, _ := strings.Cut(chunk, "\n")
		b, err := parseBlock(strings.TrimSpace(key), rest)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", key, err)
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

func parseBlock(key, text string) (block, error) {
	b := block{key: key, fields: map[string][]string{}}
	if key == "" {
		return b, fmt.Errorf("a block without a key")
	}
	head, tail, _ := strings.Cut(text+"\n", "\n\n")
	for _, line := range strings.Split(strings.Trim(head, "\n"), "\n") {
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.ContainsAny(name, " \t") {
			return b, fmt.Errorf("not a field: %q", line)
		}
		b.fields[name] = append(b.fields[name], strings.TrimSpace(value))
	}
	parts := strings.Split("\n"+tail, "\n"+sectionMark)
	b.body = strings.Trim(parts[0], "\n")
	for _, part := range parts[1:] {
		name, text, _ := strings.Cut(part, "\n")
		b.sections = append(b.sections, section{strings.TrimSpace(name), strings.Trim(text, "\n")})
	}
	return b, nil
}
