package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"mailarchive/internal/control"
)

// user is `user`.
func (p *program) user() *cobra.Command {
	c := &cobra.Command{
		Use:   "user",
		Short: "Say who may use the web pages",
		Long: `An administrator sees all mail and everything else, an auditor all mail of named
domains ("*" for all), a user the mail that was sent by or to an own address.
Whoever may open the data folder is an administrator on the command line.`,
		Example: `  mail-archive user add root --role administrator
  mail-archive user list`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(p.userAdd(), p.userPassword(), p.userRemove(), p.userList())
	return c
}

func (p *program) userAdd() *cobra.Command {
	q := control.UserRequest{Action: control.UserAdd}
	var passwordFile string
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Make an account; asks for its password",
		Example: `  mail-archive user add root --role administrator
  mail-archive user add law --role auditor --domain '*'
  mail-archive user add ann --role user --address ann@example.org --address a.smith@example.org:2019-04-01..2024-06-30`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			return p.actOnUser(c, q, args[0], passwordFile, "%s is an account now, %s.\n")
		},
	}
	c.Flags().StringVar(&q.Role, "role", "user", "administrator, auditor or user")
	c.Flags().StringArrayVar(&q.Addresses, "address", nil, "an own address, with :FROM..TO behind it if it was not for ever (may be repeated)")
	c.Flags().StringArrayVar(&q.Domains, "domain", nil, "a domain whose mail an auditor sees, * for all mail (may be repeated)")
	c.Flags().StringVar(&passwordFile, "password-file", "", "file with the password in its first line, instead of asking")
	return c
}

func (p *program) userPassword() *cobra.Command {
	var passwordFile string
	c := &cobra.Command{
		Use:               "password NAME",
		Short:             "Set a new password; ends all sessions of the account",
		Example:           "  mail-archive user password ann",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			return p.actOnUser(c, control.UserRequest{Action: control.UserPassword}, args[0], passwordFile, "%s, %s, has a new password.\n")
		},
	}
	c.Flags().StringVar(&passwordFile, "password-file", "", "file with the password in its first line, instead of asking")
	return c
}

// actOnUser does what needs a password.
func (p *program) actOnUser(c *cobra.Command, q control.UserRequest, name, passwordFile, done string) error {
	q.Name = name
	var err error
	if q.Password, err = p.askPassword(passwordFile); err != nil {
		return err
	}
	return p.withArchive(c, true, func(ctx context.Context, a control.Archive) error {
		u, err := a.ActOnUser(ctx, scope(), q)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.out, done, safe(u.Name), u.Role)
		return err
	})
}

func (p *program) userRemove() *cobra.Command {
	return &cobra.Command{
		Use:               "remove NAME",
		Short:             "Take an account away, with its sessions",
		Example:           "  mail-archive user remove ann",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				u, err := a.ActOnUser(ctx, scope(), control.UserRequest{Action: control.UserRemove, Name: args[0]})
				if err == nil {
					_, err = fmt.Fprintf(p.out, "%s is gone.\n", safe(u.Name))
				}
				return err
			})
		},
	}
}

func (p *program) userList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the accounts",
		Example: "  mail-archive user list --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				list, err := a.Users(ctx, scope())
				out := bufio.NewWriter(p.out)
				for _, u := range list {
					if asJSON {
						err = errors.Join(err, writeJSON(out, u))
						continue
					}
					fmt.Fprintf(out, "%-20s  %-13s  %s\n", safe(u.Name), u.Role, safe(strings.Join(append(u.Addresses, u.Domains...), ", ")))
				}
				if len(list) == 0 && err == nil && !asJSON {
					fmt.Fprintln(out, `There is no account yet; "mail-archive user add NAME --role administrator" makes one.`)
				}
				return errors.Join(err, out.Flush())
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each account")
	return c
}
