package cli

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/seal"
)

// archive is `archive`.
func (p *program) archive() *cobra.Command {
	var month, until string
	var asJSON bool
	c := &cobra.Command{
		Use:   "archive",
		Short: "Pack what came in until the end of a month into an archive file",
		Long: `Archive packs all messages that came in before the end of the last month, or of
--month, and are in no archive file yet, into a file such as Oct-2026.tgz; with
encrypt on, Oct-2026.enc. The file is read back and every message compared before
the live bytes go. Messages in it stay searchable and are read from the file.
"mail-archive serve" does this on the 1st of each month by itself.

Stock tools open the files: tar xzf Oct-2026.tgz, or gpg -d Oct-2026.enc | tar xz.
README.txt inside says how to check them.`,
		Example: `  mail-archive archive
  mail-archive archive --month 2026-10
  mail-archive archive verify Oct-2026.tgz`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				q := control.ArchiveRequest{Month: month}
				if until != "" {
					t, err := time.ParseInLocation(time.DateOnly, until, p.loaded.Timezone.Location())
					if err != nil {
						return &usageError{fmt.Errorf("--until %s: a date such as 2026-11-15", until)}
					}
					q.Until = t
				}
				return p.runArchive(ctx, a, q, asJSON)
			})
		},
	}
	c.Flags().StringVar(&month, "month", "", "up to the end of this month, as in 2026-10")
	c.Flags().StringVar(&until, "until", "", "up to this date, which is not included")
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each file")
	c.AddCommand(p.archiveVerify(), p.archiveForget(), p.archiveRelease(), p.archivePassword())
	return c
}

func (p *program) runArchive(ctx context.Context, a control.Archive, q control.ArchiveRequest, asJSON bool) error {
	meter := p.meter("archive")
	done, err := a.Seal(ctx, scope(), q, control.Report{Progress: meter.update})
	meter.clear()
	for _, f := range done.Files {
		if asJSON {
			err = errors.Join(err, writeJSON(p.out, f))
			continue
		}
		fmt.Fprintf(p.out, "%s made: %s, %s.\n", f.Name, plural(f.Messages, "message"), sizeText(uint64(f.Size)))
	}
	if err != nil {
		return err
	}
	if !asJSON {
		switch {
		case len(done.Files) == 0:
			fmt.Fprintln(p.out, "Nothing to pack: all of that time is in an archive file already, or nothing came in.")
		case done.Freed > 0:
			fmt.Fprintf(p.out, "%s freed in the vault.\n", sizeText(uint64(done.Freed)))
		}
	}
	if done.Kept != "" {
		fmt.Fprintln(p.std.Err, "note: "+safe(done.Kept))
	}
	if n := len(done.LeftOut); n > 0 {
		return &advised{fmt.Errorf("%s not packed: the bytes are not those that came in", plural(n, "message")), `They stay in the vault; "mail-archive verify" names them.`}
	}
	return nil
}

// archives is `archives`.
func (p *program) archives() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "archives",
		Short: "List the archive files: where they are and in what state",
		Long: `A file is here, unverified (it was brought back and not read since), moved off,
damaged, or foreign (of another archive: "restore" takes its messages in).`,
		Example: "  mail-archive archives",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				list, err := a.Archives(ctx, scope())
				if err != nil {
					return err
				}
				return p.writeArchives(list, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each file")
	return c
}

func (p *program) writeArchives(list []control.ArchiveFile, asJSON bool) error {
	out := bufio.NewWriter(p.out)
	zone := p.loaded.Timezone.Location()
	if !asJSON && len(list) == 0 {
		fmt.Fprintln(out, `No archive file was made yet; "mail-archive archive" makes one.`)
	} else if !asJSON {
		fmt.Fprintf(out, "%-16s  %-10s  %10s  %9s  %-16s  %s\n", "FILE", "STATE", "MESSAGES", "SIZE", "MADE", "OPENED BY")
	}
	var err error
	for _, f := range list {
		if asJSON {
			err = errors.Join(err, writeJSON(out, f))
			continue
		}
		key := f.Key
		if key == "" && f.State != control.ArchiveForeign {
			key = "anybody"
		}
		fmt.Fprintf(out, "%-16s  %-10s  %10s  %9s  %-16s  %s\n", f.Name, f.State, countText(f.Messages), sizeText(uint64(f.Size)), minuteText(f.Made, zone), safe(key))
	}
	return errors.Join(err, out.Flush())
}

// archiveVerify is `archive verify`.
func (p *program) archiveVerify() *cobra.Command {
	var asJSON bool
	var passwordFile string
	c := &cobra.Command{
		Use:   "verify [FILE…]",
		Short: "Read archive files whole and check everything in them",
		Long: `Verify reads archive files and compares every message, record and link with each
other, and with what this archive knows of them. Without a name it checks all that
are here. A path to a file is checked on its own: no archive is needed for that.

--password-file has the password of an encrypted file in its first line.`,
		Example: `  mail-archive archive verify
  mail-archive archive verify /media/usb/Oct-2026.tgz`,
		RunE: func(c *cobra.Command, args []string) error {
			var names []string
			var failed []error
			for _, arg := range args {
				if !strings.ContainsRune(arg, filepath.Separator) {
					names = append(names, arg)
					continue
				}
				failed = append(failed, p.verifyAlone(c.Context(), arg, passwordFile, asJSON))
			}
			if err := errors.Join(failed...); err != nil || len(names) == 0 && len(args) > 0 {
				return err
			}
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				return p.actOnArchives(ctx, a, control.ArchiveActionRequest{Action: control.ArchiveVerify, Names: names}, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each finding and file")
	c.Flags().StringVar(&passwordFile, "password-file", "", "file with the password of an encrypted file that lies elsewhere")
	return c
}

// verifyAlone checks a file with no archive.
func (p *program) verifyAlone(ctx context.Context, path, passwordFile string, asJSON bool) error {
	secret, err := secretFrom(passwordFile)
	if err != nil {
		return err
	}
	meter := p.meter("verify")
	r, err := seal.Check(ctx, nil, path, secret,
		func(done, total int64) { meter.update(control.Progress{Done: done, Total: total, Unit: "bytes"}) },
		func(f seal.Finding) {
			meter.clear()
			if asJSON {
				writeJSON(p.out, f)
			} else {
				fmt.Fprintln(p.out, safe(f.String()))
			}
		})
	meter.clear()
	if errors.Is(err, seal.ErrNoSecret) {
		return &advised{err, "--password-file names a file with its password."}
	}
	if err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(p.out, map[string]any{"file": path, "sha256": r.SHA256, "chain": r.Chain, "findings": r.Findings})
	} else if r.Findings == 0 {
		_, err = fmt.Fprintf(p.out, "%s: %s (%s), all as they were sealed. SHA-256 %s\n", safe(path), plural(r.Chain.Messages, "message"), sizeText(uint64(r.Chain.Bytes)), r.SHA256)
	} else {
		_, err = fmt.Fprintf(p.out, "%s: %s.\n", safe(path), plural(r.Findings, "finding"))
	}
	if err == nil && r.Findings > 0 {
		err = errFindings
	}
	return err
}

func secretFrom(passwordFile string) (seal.Secret, error) {
	if passwordFile == "" {
		return seal.Secret{}, nil
	}
	password, err := readFirstLine(passwordFile)
	return seal.Secret{Passwords: [][]byte{[]byte(password)}}, err
}

func readFirstLine(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func (p *program) actOnArchives(ctx context.Context, a control.Archive, q control.ArchiveActionRequest, asJSON bool) error {
	f := p.findings(string(q.Action), asJSON)
	list, err := a.ActOnArchives(ctx, scope(), q, f.report())
	if err := f.end(err); err != nil {
		return err
	}
	if err := p.writeArchives(list, asJSON); err != nil {
		return err
	}
	if f.found > 0 {
		return errFindings
	}
	return nil
}

// archiveForget is `archive forget`.
func (p *program) archiveForget() *cobra.Command {
	var copied string
	c := &cobra.Command{
		Use:   "forget FILE",
		Short: "Take an archive file off this server after it was copied away",
		Long: `Forget removes an archive file from the server. --copy names the copy, which is
read whole and must be the same; its messages stay searchable, and what reads them
says which file to bring back.`,
		Example: "  mail-archive archive forget Oct-2026.tgz --copy /media/usb/Oct-2026.tgz",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if copied == "" {
				return &usageError{errors.New("--copy names the copy that is kept elsewhere; without one the messages would be lost")}
			}
			digest, err := p.digestOf(copied)
			if err != nil {
				return fmt.Errorf("read the copy: %w", err)
			}
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				return p.actOnArchives(ctx, a, control.ArchiveActionRequest{Action: control.ArchiveForget, Names: args, Copy: digest}, false)
			})
		},
	}
	c.Flags().StringVar(&copied, "copy", "", "the copy, read and compared before anything is removed")
	return c
}

// digestOf reads a file whole.
func (p *program) digestOf(name string) (mail.Digest, error) {
	f, err := os.Open(name)
	if err != nil {
		return mail.Digest{}, err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return mail.Digest{}, err
	}
	return mail.Digest(hash.Sum(nil)), nil
}

// archiveRelease is `archive release`.
func (p *program) archiveRelease() *cobra.Command {
	return &cobra.Command{
		Use:   "release FILE",
		Short: "Free the live bytes of a file that this server cannot open again",
		Long: `A file that is encrypted to public keys only cannot be opened on this server, so
its messages stay in the vault as well. Release lets them go: from then on only who
has a private key reads them.`,
		Example: "  mail-archive archive release Oct-2026.enc",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				return p.actOnArchives(ctx, a, control.ArchiveActionRequest{Action: control.ArchiveRelease, Names: args}, false)
			})
		},
	}
}

// restore is `restore`.
func (p *program) restore() *cobra.Command {
	var passwordFile string
	var asJSON bool
	c := &cobra.Command{
		Use:   "restore FILE…",
		Short: "Bring the messages of archive files back",
		Long: `Restore brings archive files back: one that was made here is put into the folder
of archive files and its messages are read from it again; of one that was made by
another archive, or is damaged, each message that can be read is taken in, with the
ID, time and envelope that it had. What cannot be saved is listed.`,
		Example: `  mail-archive restore /media/usb/Oct-2026.tgz
  mail-archive restore --password-file secret.txt /media/usb/*.enc`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q := control.RestoreRequest{}
			if passwordFile != "" {
				var err error
				if q.Password, err = readFirstLine(passwordFile); err != nil {
					return fmt.Errorf("read password: %w", err)
				}
			}
			return p.withArchive(c, true, func(ctx context.Context, a control.Archive) error {
				var failed []error
				for _, name := range args {
					path, err := filepath.Abs(name)
					if err == nil {
						q.Path = path
						err = p.runRestore(ctx, a, q, asJSON)
					}
					if ctx.Err() != nil {
						return err
					}
					failed = append(failed, err)
				}
				return errors.Join(failed...)
			})
		},
	}
	c.Flags().StringVar(&passwordFile, "password-file", "", "file with the password in its first line, when it is not configured here")
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each finding and file")
	return c
}

func (p *program) runRestore(ctx context.Context, a control.Archive, q control.RestoreRequest, asJSON bool) error {
	f := p.findings("restore", asJSON)
	r, err := a.Restore(ctx, scope(), q, f.report())
	if err := f.end(err); err != nil {
		return err
	}
	if asJSON {
		return writeJSON(p.out, r)
	}
	fmt.Fprintf(p.out, "%s: %s\n", safe(filepath.Base(q.Path)), restoredText(r))
	if len(r.Lost) > 0 {
		return &advised{fmt.Errorf("%s cannot be saved: %s", plural(len(r.Lost), "message"), joinSome(r.Lost)), "Another copy of the file may have them."}
	}
	return nil
}

func restoredText(r control.Restored) string {
	if r.File != "" {
		return fmt.Sprintf("%s, back in place; the messages are read from it again.", plural(r.Messages, "message"))
	}
	return fmt.Sprintf("%s: %s new, %s back, %s here already.", plural(r.Messages, "message"), countText(r.New), countText(r.Returned), countText(r.Here))
}
