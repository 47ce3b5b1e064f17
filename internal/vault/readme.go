package vault

import (
	_ "embed"
	"io"
	"path/filepath"

	"mailarchive/internal/durable"
)

// readme lies beside the segments and tells how to read them without us.
//
//go:embed readme.txt
var readme string

// writeReadme puts it there when it is not. The mail is safe without it.
func (v *Vault) writeReadme() {
	name := filepath.Join(v.folder, readmeFile)
	if _, err := v.fs.Stat(name); err != nil {
		v.putReadme()
	}
}

func (v *Vault) putReadme() {
	name := filepath.Join(v.folder, readmeFile)
	err := durable.WriteFile(v.fs, name, 0o644, func(w io.Writer) error {
		_, err := io.WriteString(w, readme)
		return err
	})
	if err != nil {
		v.log.Warn("page on how to read the vault not written", "file", name, "error", err)
	}
}
