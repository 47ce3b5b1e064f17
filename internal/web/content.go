package web

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
	"mailarchive/internal/retrieve"
)

// Limits of what is read of a message for its page. The rest of it streams by.
const (
	maxHead        = 256 << 10 // bytes of header
	maxSourceShown = 12 << 10  // bytes of source on the page
	maxHTML        = 4 << 20   // bytes of HTML, all parts together
	maxPicture     = 2 << 20   // bytes of an image in the text
	maxPictures    = 8 << 20   // bytes of all of them
	sniffed        = 512       // bytes that tell what kind of file it is
)

// content is what is read of a message besides what Show tells.
type content struct {
	Header []retrieve.Field
	Source string // its beginning
	More   bool   // the source goes on
	Files  []file
	HTML   [][]byte // the message's own, in UTF-8
	// pictures are images by their Content-ID, as addresses that hold them (RFC
	// 2397).
	pictures map[string]string
}

// file is an attachment.
type file struct {
	Number int // of the part, from 1, in the order of the message
	Name   string
	Type   string
	Size   int64
	Digest mail.Digest
	Look   bool // it may be of a kind that is shown safely
	Icon   string
}

// readContent reads a message to its end. want says whether images are wanted,
// for the frame.
func readContent(r io.Reader, pictures bool) (content, error) {
	c := content{pictures: map[string]string{}}
	head := &firstBytes{left: maxHead}
	number, html, room := 0, 0, maxPictures
	err := extract.New(extract.DefaultLimits()).Parts(io.TeeReader(r, head), func(p *extract.Part) bool {
		number++
		switch {
		case p.IsHTML() && p.Level == 0 && !p.Attached && html < maxHTML:
			b, _ := io.ReadAll(io.LimitReader(p.Text(), int64(maxHTML-html))) // never fails: what cannot be read is the end
			html += len(b)
			c.HTML = append(c.HTML, b)
		case pictures && p.ContentID != "" && p.Level == 0 && strings.HasPrefix(p.Type, "image/"):
			b, _ := io.ReadAll(io.LimitReader(p, maxPicture+1)) // as above
			if kind := pictureKind(b); kind != "" && len(b) <= min(maxPicture, room) {
				room -= len(b)
				c.pictures[p.ContentID] = "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(b)
			}
		}
		if p.Index >= 0 {
			c.Files = append(c.Files, newFile(number, p))
		}
		return true
	})
	c.Header = retrieve.Header(bytes.NewReader(head.b))
	source := strings.ToValidUTF8(string(head.b), "\uFFFD")
	c.Source = source[:runeStart(source, maxSourceShown)]
	c.More = len(c.Source) < len(source) || head.left == 0
	return c, err
}

// runeStart is the beginning of a character at or before n.
func runeStart(s string, n int) int {
	if n >= len(s) {
		return len(s)
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return n
}

func newFile(number int, p *extract.Part) file {
	f := file{Number: number, Name: safeName(p.Name), Type: p.Type, Icon: "file"}
	if f.Name == "" {
		f.Name = fmt.Sprintf("part-%d%s", number, suffix(p.Type))
	}
	kind, _, _ := strings.Cut(p.Type, "/")
	switch {
	case kind == "image":
		f.Icon, f.Look = "image", p.Type != "image/svg+xml"
	case p.Type == "message/rfc822":
		f.Icon = "mail"
	case p.Type == "text/plain" || p.Type == "text/csv":
		f.Look = true
	case strings.Contains(p.Type, "spreadsheet") || strings.Contains(p.Type, "excel"):
		f.Icon = "sheet"
	}
	return f
}

// described adds size and digest, which Show has counted already, in the same
// order.
func described(files []file, list []attachment) []file {
	for i := range files {
		if i < len(list) {
			files[i].Size, files[i].Digest = list[i].Size, list[i].SHA256
		}
	}
	return files
}

// awayFiles are attachments of which only this is known here. Their number is
// 0: there is nothing to download.
func awayFiles(list []attachment) (files []file) {
	for _, a := range list {
		files = append(files, file{Name: safeName(a.Name), Type: a.Type, Size: a.Size, Digest: a.SHA256, Icon: "file"})
	}
	return files
}

// firstBytes keeps the first bytes that are written to it.
type firstBytes struct {
	b    []byte
	left int
}

// Write never fails.
func (f *firstBytes) Write(p []byte) (int, error) {
	n := min(f.left, len(p))
	f.b = append(f.b, p[:n]...)
	f.left -= n
	return len(p), nil
}

// pictureKind recognises images that hold nothing but pixels by their first
// bytes, whatever they are said to be; "" for anything else.
func pictureKind(b []byte) string {
	for _, k := range []struct{ start, kind string }{
		{"\x89PNG\r\n\x1a\n", "image/png"},
		{"GIF87a", "image/gif"},
		{"GIF89a", "image/gif"},
		{"\xff\xd8\xff", "image/jpeg"},
	} {
		if bytes.HasPrefix(b, []byte(k.start)) {
			return k.kind
		}
	}
	if len(b) > 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP" {
		return "image/webp"
	}
	return ""
}
