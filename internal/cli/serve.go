package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// serve is `serve`.
func (p *program) serve() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Take mail in and answer, until stopped",
		Long: `Serve takes mail in by SMTP and LMTP and answers all other commands, until
SIGINT or SIGTERM stops it in good order. A second signal ends it at once, which
is safe too: everything that was acknowledged is on disk.

Each key of the configuration is a flag here.`,
		Example: `  mail-archive serve
  mail-archive serve --smtp :25 --networks 192.0.2.0/24 --data /srv/mail
  mail-archive serve --smtp "" --lmtp unix:/run/mail-archive/lmtp.sock`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			loaded, err := p.load(c)
			if err != nil {
				return err
			}
			return p.deps.Serve(c.Context(), loaded.Config, func(a Addresses) {
				// The server runs whether or not somebody reads this.
				fmt.Fprintf(p.std.Err, "Mail Archive is ready: %s, data in %s\n", a, loaded.Data)
				if a.Setup != "" {
					fmt.Fprintf(p.std.Err, "There is no account yet. This link makes the first one, once and within the hour:\n  %s\n", a.Setup)
				}
			})
		},
	}
	p.keyFlags(c.Flags())
	return c
}

// String lists what is on.
func (a Addresses) String() string {
	var on []string
	for _, e := range []struct{ name, address string }{{"SMTP", a.SMTP}, {"LMTP", a.LMTP}, {"HTTP", a.HTTP}} {
		if e.address != "" {
			on = append(on, e.name+" "+e.address)
		}
	}
	if on == nil {
		return "no listeners"
	}
	return strings.Join(on, ", ")
}
