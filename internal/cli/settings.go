package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mailarchive/internal/config"
)

// keyFlags makes a flag of each of the named keys of the configuration, of all
// but data when none is named.
func (p *program) keyFlags(flags *pflag.FlagSet, names ...string) {
	for _, key := range config.Keys() {
		wanted := slices.Contains(names, key.Name) || len(names) == 0 && key.Name != "data"
		if !wanted {
			continue
		}
		usage := key.Doc
		if key.Default != "" {
			usage += fmt.Sprintf(" (default %s)", key.Default)
		}
		flags.String(key.Name, "", usage)
		flags.Lookup(key.Name).DefValue = ""
	}
}

// load puts the configuration together for a command.
func (p *program) load(c *cobra.Command) (*config.Loaded, error) {
	from := p.deps.Sources
	from.File = p.file
	from.Environment = p.std.Environment
	from.Flags = map[string]string{}
	for _, key := range config.Keys() {
		if f := c.Flags().Lookup(key.Name); f != nil && f.Changed {
			from.Flags[key.Name] = f.Value.String()
		}
	}
	if data, given := from.Flags["data"]; given && data == "" {
		return nil, &usageError{errors.New("--data is empty (a shell variable that is not set?); name a folder, or leave --data out for the default")}
	}
	loaded, err := config.Load(from)
	if err != nil {
		return nil, err
	}
	p.loaded = loaded
	return loaded, nil
}

// configuration is `config`.
func (p *program) configuration() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Show and check the configuration",
		Long: `The configuration comes from, each overriding the one before it: defaults, the
file, the environment (MAIL_ARCHIVE_ and the key in capitals with underscores),
flags. None is needed to start.`,
		Example: `  mail-archive config print
  mail-archive config check --config new.toml
  mail-archive config print > /etc/mail-archive/mail-archive.toml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return &usageError{errors.New("config needs one of print, check")}
		},
	}
	print := &cobra.Command{
		Use:               "print",
		Short:             "Print the configuration in force, explained, as a file that says it again",
		Example:           "  mail-archive config print",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			loaded, err := p.load(c)
			if err != nil {
				return err
			}
			return loaded.Print(p.out)
		},
	}
	check := &cobra.Command{
		Use:               "check",
		Short:             "Report everything that is wrong in the configuration (exit code 2)",
		Example:           "  mail-archive config check --config new.toml",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			loaded, err := p.load(c)
			if err != nil {
				return err
			}
			from := "no file, defaults"
			if loaded.File != "" {
				from = loaded.File
			}
			_, err = fmt.Fprintf(p.out, "The configuration is right (%s).\n", from)
			return err
		},
	}
	p.keyFlags(print.Flags())
	p.keyFlags(check.Flags())
	c.AddCommand(print, check)
	return c
}
