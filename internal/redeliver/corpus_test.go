package redeliver

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailarchive/internal/corpus"
	"mailarchive/internal/mail"
)

// TestCorpora composes real and hostile mail: all of it can be sent, and the
// original comes back out of each.
func TestCorpora(t *testing.T) {
	for folder, every := range map[string]int{corpus.Bulk(t): 20, filepath.Join(corpus.Torture(t), "eml"): 1} {
		forms, n := map[Form]int{}, 0
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if n++; n%every != 0 {
				return nil
			}
			content, err := os.ReadFile(path)
			if err == nil {
				forms[checkComposed(t, path, string(content))]++
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		t.Logf("%s: %v", filepath.Base(folder), forms)
	}
}

func checkComposed(t *testing.T, path, content string) Form {
	t.Helper()
	e := entryFor("bob@example.org")
	e.Digest, e.Size = mail.Sum([]byte(content)), int64(len(content))
	m, sent := mailFor(t, e, content, true)
	checkSendable(t, []byte(sent))
	if m.form == Attachment {
		if _, attached := takeApart(t, sent); attached != content {
			t.Errorf("%s: other bytes in the attachment", path)
		}
		return m.form
	}
	_, behind, found := strings.Cut(sent, "archive.example.org>\r\n")
	f := inspected(t, content)
	want := append(bytes.Clone(f.withoutHidden()), content[f.HeaderSize:]...)
	if m.form == LineEnds {
		behind = lf(behind)
	}
	if !found || behind != string(want) {
		t.Errorf("%s: other bytes behind our fields", path)
	}
	return m.form
}
