package web

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the longest name of a download, in bytes: file systems allow 255.
const maxName = 180

// safeName is a file's name that is a name only: no folders, nothing that
// hides how it ends, nothing that a header field or a file system chokes on.
func safeName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r):
			return -1 // "annexe\u202Efdp.exe" looks like a PDF
		case strings.ContainsRune(`"*:<>?|%`, r):
			return '_'
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	if len(name) <= maxName {
		return name
	}
	end := ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 12 {
		name, end = name[:i], name[i:]
	}
	return name[:runeStart(name, maxName-len(end))] + end
}

// disposition says that an answer is a file with that name (RFC 6266): in
// ASCII for old programs, and in full (RFC 8187).
func disposition(name string) string {
	ascii := strings.Map(func(r rune) rune {
		if r > '~' {
			return '_'
		}
		return r
	}, name)
	return `attachment; filename="` + ascii + `"; filename*=UTF-8''` + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

// suffix is how the name of a file of that type ends, for those without a name.
func suffix(mediaType string) string {
	switch mediaType {
	case "message/rfc822", "message/global":
		return ".eml"
	case "application/pdf":
		return ".pdf"
	case "image/png":
		return ".png"
	case "image/jpeg":
		return ".jpg"
	case "image/gif":
		return ".gif"
	case "text/plain":
		return ".txt"
	case "text/html":
		return ".html"
	case "text/calendar":
		return ".ics"
	}
	return ".bin"
}
