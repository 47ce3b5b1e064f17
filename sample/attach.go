package sample

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"
)

// render makes a small real file out of its text. Nothing is compressed, so
// that the bytes are the same whatever the version of a compressor.
func render(ext, text string) (contentType string, data []byte, err error) {
	switch ext {
	case ".pdf":
		data, err = pdf(text)
		return "application/pdf", data, err
	case ".png":
		data, err = picture(text)
		return "image/png", data, err
	case ".csv":
		return "text/csv; charset=utf-8", []byte(crlf(text + "\n")), nil
	case ".ics":
		data, err = calendar(text)
		return "text/calendar; charset=utf-8; method=REQUEST", data, err
	case ".zip":
		data, err = packed(zipEntries(text))
		return "application/zip", data, err
	case ".docx":
		data, err = packed(document(text))
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document", data, err
	}
	return "", nil, fmt.Errorf("no way to make a file %s", ext)
}

// pdf is one page of lines in Courier (ISO 32000-1 7.5).
func pdf(text string) ([]byte, error) {
	latin, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		return nil, err
	}
	var page strings.Builder
	page.WriteString("BT /F1 9 Tf 50 780 Td 14 TL\n")
	escape := strings.NewReplacer(`\`, `\\`, `(`, `\(`, `)`, `\)`)
	for _, line := range strings.Split(latin, "\n") {
		page.WriteString("(" + escape.Replace(line) + ") Tj T*\n")
	}
	page.WriteString("ET\n")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", page.Len(), page.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
	}
	return pdfFile(objects), nil
}

// pdfFile writes objects, the table of their positions and the trailer.
func pdfFile(objects []string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	var places []int
	for i, object := range objects {
		places = append(places, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, p := range places {
		fmt.Fprintf(&b, "%010d 00000 n \n", p)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	return b.Bytes()
}

// picture draws "bars WxH n n n", or "photo WxH wheel" and "photo WxH plate".
func picture(text string) ([]byte, error) {
	f := strings.Fields(text)
	var w, h int
	if len(f) < 3 {
		return nil, fmt.Errorf("picture: %q", text)
	}
	if _, err := fmt.Sscanf(f[1], "%dx%d", &w, &h); err != nil {
		return nil, fmt.Errorf("picture: %q: %w", text, err)
	}
	img := image.NewPaletted(image.Rect(0, 0, w, h), shades())
	switch {
	case f[0] == "bars":
		if err := bars(img, f[2:]); err != nil {
			return nil, err
		}
	case f[2] == "wheel":
		wheel(img)
	default:
		plate(img)
	}
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, img)
	return b.Bytes(), err
}

func shades() color.Palette {
	var p color.Palette
	for i := range 16 {
		v := uint8(i * 17)
		p = append(p, color.RGBA{v, v, uint8(min(255, int(v)+24)), 255})
	}
	return p
}

func bars(img *image.Paletted, heights []string) error {
	size := img.Bounds().Size()
	for i := range img.Pix {
		img.Pix[i] = 15
	}
	step := size.X / len(heights)
	for i, text := range heights {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("bars: %w", err)
		}
		for y := size.Y - min(n, size.Y-4); y < size.Y; y++ {
			for x := i*step + 3; x < (i+1)*step-3; x++ {
				img.SetColorIndex(x, y, 5)
			}
		}
	}
	return nil
}

// wheel is a disc with a bore and seven vanes, seen from above.
func wheel(img *image.Paletted) {
	size := img.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			dx, dy := x-size.X/2, y-size.Y/2
			shade := 13
			switch r := dx*dx + dy*dy; {
			case r < 200:
				shade = 2
			case r < 2400:
				shade = 7 + (dx*dy/64)&3
			}
			img.SetColorIndex(x, y, uint8(shade))
		}
	}
}

// plate is a flat grey thing with four holes.
func plate(img *image.Paletted) {
	size := img.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			dx, dy := x%(size.X/2)-size.X/4, y%(size.Y/2)-size.Y/4
			shade := 9 + (x*7+y*3)/61%3
			if dx*dx+dy*dy < 80 {
				shade = 1
			}
			img.SetColorIndex(x, y, uint8(shade))
		}
	}
}

// calendar is an invitation (RFC 5545, RFC 5546 3.2.2).
func calendar(text string) ([]byte, error) {
	f := map[string]string{}
	for _, line := range strings.Split(text, "\n") {
		name, value, _ := strings.Cut(line, " ")
		f[name] = value
	}
	for _, name := range []string{"uid", "start", "end", "summary", "location"} {
		if f[name] == "" {
			return nil, fmt.Errorf("calendar: no %s", name)
		}
	}
	return []byte(crlf(fmt.Sprintf("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Nordwind//Kalender//DE\nMETHOD:%s\nBEGIN:VEVENT\nUID:%s\nDTSTAMP:%s\nDTSTART:%s\nDTEND:%s\nSUMMARY:%s\nLOCATION:%s\nEND:VEVENT\nEND:VCALENDAR\n",
		or(f["method"], "REQUEST"), f["uid"], f["start"], f["start"], f["end"], f["summary"], strings.ReplaceAll(f["location"], ",", `\,`)))), nil
}

// zipEntries reads "--- name" and what stands below it.
func zipEntries(text string) []section {
	var entries []section
	for _, chunk := range strings.Split("\n"+text, "\n--- ")[1:] {
		name, body, _ := strings.Cut(chunk, "\n")
		entries = append(entries, section{name, crlf(body + "\n")})
	}
	return entries
}

// document is the least that word processors open as .docx (ECMA-376).
func document(text string) []section {
	const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	var paragraphs strings.Builder
	for _, line := range strings.Split(text, "\n") {
		var escaped bytes.Buffer
		_ = xml.EscapeText(&escaped, []byte(line)) // a Buffer takes everything
		paragraphs.WriteString("<w:p><w:r><w:t>" + escaped.String() + "</w:t></w:r></w:p>")
	}
	return []section{
		{"[Content_Types].xml", head + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`},
		{"_rels/.rels", head + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`},
		{"word/document.xml", head + `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>` + paragraphs.String() + `</w:body></w:document>`},
	}
}

func packed(entries []section) ([]byte, error) {
	if len(entries) == 0 {
		return nil, fmt.Errorf("zip: nothing to pack")
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Store, Modified: time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}
