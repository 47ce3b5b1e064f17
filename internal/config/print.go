package config

import (
	"fmt"
	"io"
	"strings"
)

// printWidth is where the sentences of Print break.
const printWidth = 78

// Print writes the effective configuration as a TOML file that says it again,
// each key with its sentence, its default and the origin of its value. Secrets
// are left out.
func (l *Loaded) Print(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# The configuration of Mail Archive as it is in force.\n")
	if l.File != "" {
		b.WriteString("# File: " + l.File + "\n")
	} else {
		b.WriteString("# No file was read; " + DefaultFile + " would be.\n")
	}
	printSettings(&b, settingsOf(&l.Config), l.Origins)
	for i := range l.Watches {
		b.WriteString("\n[[import.watch]]\n")
		for _, s := range settingsOf(&l.Watches[i]) {
			if text := s.text(); text != "" {
				fmt.Fprintf(&b, "%s = %s\n", s.key, s.literal(text))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printSettings(b *strings.Builder, all []setting, origins map[string]Origin) {
	for _, s := range all {
		b.WriteString("\n")
		writeComment(b, s.doc())
		fmt.Fprintf(b, "# Default: %s. Here from: %s. Variable: %s\n", s.defaultShown(), origins[s.key], s.environment())
		if unset := s.tag.Get("unset"); unset != "" && s.text() == "" {
			fmt.Fprintf(b, "# %s.\n", unset)
		}
		if s.secret() {
			fmt.Fprintf(b, "# %s is %s; it is not shown.\n", s.key, setOrNot(s.text()))
			continue
		}
		fmt.Fprintf(b, "%s = %s\n", s.key, s.literal(s.text()))
	}
}

func (s setting) defaultShown() string {
	if _, fixed := s.tag.Lookup("default"); !fixed {
		return "none"
	}
	return s.literal(s.defaultText())
}

func setOrNot(text string) string {
	if text == "" {
		return "not set"
	}
	return "set"
}

// writeComment breaks a sentence into lines of printWidth.
func writeComment(b *strings.Builder, text string) {
	line := "#"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > printWidth {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
