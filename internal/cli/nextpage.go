package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// nextPage is the command that goes on behind a place, for a shell.
func nextPage(c *cobra.Command, query, place string) string {
	line := c.CommandPath()
	c.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "before" {
			line += " --" + f.Name + "=" + shellQuoted(f.Value.String())
		}
	})
	line += " --before=" + shellQuoted(place)
	if strings.HasPrefix(query, "-") {
		line += " --"
	}
	return line + " " + shellQuoted(query)
}

// shellQuoted writes text as one word of a shell (POSIX 2.2.2) that is safe to
// show.
func shellQuoted(s string) string {
	plain := strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("@%+=:,./-_", r))
	}) < 0
	if plain && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(safe(s), "'", `'\''`) + "'"
}
