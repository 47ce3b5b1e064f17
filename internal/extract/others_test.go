package extract

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"mailarchive/internal/corpus"
)

// TestAgainstStandardLibrary reads real mail with the parsers of the standard
// library, which share nothing with ours, and looks for every word of text
// and subject, and for every address and date, in what we read.
func TestAgainstStandardLibrary(t *testing.T) {
	x := New(Limits{})
	whole := os.Getenv("MAIL_SOAK") != "" // else one in twenty
	compared, words, differ := 0, 0, 0
	for i, path := range emlFiles(t, corpus.Bulk(t)) {
		if !whole && i%20 > 0 {
			continue
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			continue
		}
		ours := extractFile(t, x, path)
		compared++
		missing := missingHeader(ours, theirs.Header)
		w := subject(theirs.Header) + "\n" + strings.Join(texts(theirs.Header, theirs.Body), "\n")
		missing = append(missing, missingWords(everything(ours), w)...)
		words += len(strings.Fields(w))
		if len(missing) > 0 {
			differ++
			t.Logf("%s: not found: %.80q", filepath.Base(path), missing[0])
		}
	}
	if differ*1000 > compared {
		t.Errorf("%d of %d messages differ", differ, compared)
	}
	t.Logf("%d messages, %d words", compared, words)
	if whole && compared < 22_000 {
		t.Errorf("only %d messages compared", compared)
	}
}

func missingHeader(ours Message, theirs mail.Header) (missing []string) {
	if d, err := theirs.Date(); err == nil && d.Year() > 1000 && !ours.Date.Equal(d) {
		// The library takes the zones of RFC 5322 4.3 for UTC, unless they
		// are those of this machine.
		if name, offset := d.Zone(); offset != 0 || name == "UTC" || name == "" {
			missing = append(missing, d.String())
		}
	}
	have := strings.ReplaceAll(everything(ours), `"`, "")
	for _, field := range []string{"From", "To", "Cc"} {
		list, _ := theirs.AddressList(field)
		for _, a := range list {
			if !strings.Contains(have, strings.ReplaceAll(a.Address, `"`, "")) {
				missing = append(missing, a.Address)
			}
		}
	}
	return missing
}

// missingWords looks for words in a text by the crudest rule there is.
func missingWords(ours, theirs string) (missing []string) {
	have := map[string]bool{}
	for _, w := range strings.Fields(ours) {
		have[w] = true
	}
	for _, w := range strings.Fields(theirs) {
		w = strings.Trim(w, "\x00\ufeff")
		if !have[w] && utf8.ValidString(w) && !strings.ContainsRune(w, utf8.RuneError) && !strings.Contains(ours, w) {
			missing = append(missing, w)
		}
	}
	return missing
}

func subject(h mail.Header) string {
	s, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	if err != nil {
		return ""
	}
	return s
}

// texts returns the plain text parts that are in ASCII or UTF-8.
func texts(h interface{ Get(string) string }, body io.Reader) []string {
	mediaType, ps, err := mime.ParseMediaType(h.Get("Content-Type"))
	if h.Get("Content-Type") == "" {
		mediaType, err = "text/plain", nil
	}
	if err != nil {
		return nil
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		return partTexts(multipart.NewReader(body, ps["boundary"]))
	}
	charset := strings.ToLower(ps["charset"])
	if mediaType != "text/plain" || charset != "" && charset != "us-ascii" && charset != "utf-8" {
		return nil
	}
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil || bytes.Count(b, []byte{0}) > 0 {
		return nil
	}
	return []string{string(b)}
}

func partTexts(r *multipart.Reader) (all []string) {
	for {
		p, err := r.NextRawPart()
		if err != nil {
			return all
		}
		all = append(all, texts(p.Header, p)...)
	}
}
