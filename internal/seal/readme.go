package seal

import (
	_ "embed"
	"strings"
)

// readmeText is the page inside each file that tells how to do without us.
//
//go:embed readme.txt
var readmeText string

// readme returns the page for a file.
func readme(m Month, encrypted bool) []byte {
	suffix, open, gpg := PlainSuffix, `cat "$file"`, ""
	if encrypted {
		suffix, open, gpg = EncryptedSuffix, `gpg --decrypt "$file"`, ", and gpg"
	}
	return []byte(strings.NewReplacer(
		"MONTH.SUFFIX", m.String()+suffix, "MONTH", m.String(), "OPEN |", open+" |", "sha256sumGPG", "sha256sum"+gpg,
	).Replace(readmeText))
}
