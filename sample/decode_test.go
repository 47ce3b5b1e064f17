package sample

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/encoding/htmlindex"
)

// seen is what a reader sees of a message, found with the standard library and
// another charset table than the composer's.
type seen struct {
	header            mail.Header
	from, to, subject string
	visible           string   // text of the parts that are no attachments, HTML without tags
	deep              string   // text of text attachments and of nested messages
	names             []string // of attachments
	types             []string
	files             map[string][]byte // attachments and images by name
}

func look(t *testing.T, data []byte) seen {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("net/mail: %v", err)
	}
	s := seen{header: m.Header, files: map[string][]byte{}}
	s.from, s.subject = words2047(t, m.Header.Get("From")), words2047(t, m.Header.Get("Subject"))
	s.to = words2047(t, m.Header.Get("To")) + " " + words2047(t, m.Header.Get("Cc"))
	s.walk(t, m.Header.Get, m.Body, false)
	return s
}

func words2047(t *testing.T, value string) string {
	t.Helper()
	dec := mime.WordDecoder{CharsetReader: charsetReader}
	out, err := dec.DecodeHeader(value)
	if err != nil {
		t.Errorf("header %q: %v", value, err)
	}
	return out
}

func charsetReader(charset string, r io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return nil, err
	}
	return enc.NewDecoder().Reader(r), nil
}

func (s *seen) walk(t *testing.T, get func(string) string, body io.Reader, deep bool) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(get("Content-Type"))
	if err != nil {
		t.Fatalf("content type %q: %v", get("Content-Type"), err)
	}
	s.types = append(s.types, kind)
	if strings.HasPrefix(kind, "multipart/") {
		r := multipart.NewReader(body, params["boundary"])
		for {
			p, err := r.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			s.walk(t, p.Header.Get, p, deep)
		}
	}
	data := decoded(t, get("Content-Transfer-Encoding"), body)
	place, names, _ := mime.ParseMediaType(get("Content-Disposition"))
	if names["filename"] != "" {
		s.names = append(s.names, names["filename"])
		s.files[names["filename"]] = data
	}
	switch {
	case kind == "message/rfc822":
		inner := look(t, data)
		s.types = append(s.types, inner.types...)
		s.deep += inner.subject + "\n" + inner.from + "\n" + inner.to + "\n" + inner.visible + inner.deep
	case strings.HasPrefix(kind, "text/"):
		text := toUTF8(t, params["charset"], data)
		if kind == "text/html" {
			text = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, " ")
		}
		if place == "attachment" || deep {
			s.deep += text + "\n"
		} else {
			s.visible += text + "\n"
		}
	}
}

func decoded(t *testing.T, encoding string, body io.Reader) []byte {
	t.Helper()
	switch encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "", "7bit", "8bit":
	default:
		t.Fatalf("transfer encoding %q", encoding)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("%s: %v", encoding, err)
	}
	return data
}

func toUTF8(t *testing.T, charset string, data []byte) string {
	t.Helper()
	r, err := charsetReader(charset, bytes.NewReader(data))
	if err != nil {
		t.Fatalf("charset %q: %v", charset, err)
	}
	text, err := io.ReadAll(r)
	if err != nil || bytes.ContainsRune(text, '\uFFFD') {
		t.Errorf("charset %s does not decode: %v", charset, err)
	}
	return string(text)
}

// phrase matches the words in a text, case aside, when no letter or digit
// stands beside them.
func phrase(words string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|[^\pL\pN])` + strings.ReplaceAll(regexp.QuoteMeta(words), " ", `\s+`) + `($|[^\pL\pN])`)
}
