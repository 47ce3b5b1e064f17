package export

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"mailarchive/internal/durable"
)

// maildirFolder writes a Maildir (https://cr.yp.to/proto/maildir.html): each
// message goes to tmp and is moved to new, or to cur when its flags are known.
// A file name is the time of delivery, the ID and a word in the host's place,
// and for messages with flags ":2," and their letters, as Maildir has it: the
// one name with a colon that an export makes.
type maildirFolder struct{ *filer }

// prepareMaildir makes the three folders and clears tmp of what a killed run
// left there.
func prepareMaildir(fsys durable.FS, dir string) error {
	for _, name := range []string{"tmp", "new", "cur"} {
		if err := durable.MakeFolder(fsys, filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
	}
	entries, err := fsys.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := fsys.Remove(filepath.Join(dir, "tmp", e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (f maildirFolder) put(m *Message, s *staged) (place, error) {
	unique := strconv.FormatInt(max(fromTime(m).Unix(), 0), 10) + "." + m.ID.String() + ".mail-archive"
	final := "new/" + unique
	if flags, known := maildirFlags(m); known {
		final = "cur/" + unique + ":2," + flags
	}
	there, err := f.filer.put(s, filepath.Join("tmp", unique), filepath.FromSlash(final))
	return place{file: final, there: there}, err
}

// maildirFlags returns the letters of the first arrival that came from a
// mailbox, and false when none did. Those of an mbox (R read, O old, A answered,
// F flagged, D deleted, T draft) are told by Maildir's.
func maildirFlags(m *Message) (string, bool) {
	for _, a := range m.History {
		if a.Envelope.Origin == nil || a.Envelope.Origin.Flags == "" {
			continue
		}
		flags := a.Envelope.Origin.Flags
		if a.Envelope.Source == "import:mbox" {
			flags = strings.NewReplacer("R", "S", "A", "R", "D", "T", "T", "D", "O", "").Replace(flags)
		}
		return sortedLetters(flags), true
	}
	return "", false
}

// sortedLetters returns the ASCII letters of s, each once, sorted, as Maildir
// wants them.
func sortedLetters(s string) string {
	letters := []byte(s)
	letters = slices.DeleteFunc(letters, func(c byte) bool { return c|0x20 < 'a' || c|0x20 > 'z' })
	slices.Sort(letters)
	return string(slices.Compact(letters))
}
