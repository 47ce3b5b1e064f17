package sample

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"image/png"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestVariety holds the promise of the README: each of these occurs.
func TestVariety(t *testing.T) {
	count := map[string]int{}
	for _, m := range Messages() {
		s := look(t, m.Data)
		for _, kind := range s.types {
			count[kind]++
		}
		for _, name := range s.names {
			count[path.Ext(name)]++
		}
		for _, charset := range regexp.MustCompile(`charset=([\w-]+)[;\r]`).FindAllStringSubmatch(string(m.Data), -1) {
			count[charset[1]]++
		}
		for _, encoding := range regexp.MustCompile(`Content-Transfer-Encoding: (\S+)`).FindAllStringSubmatch(string(m.Data), -1) {
			count[encoding[1]]++
		}
		for name := range s.header {
			count[name]++
		}
		if strings.Contains(string(m.Data), "format=flowed") {
			count["flowed"]++
		}
	}
	for _, want := range []string{
		"multipart/mixed", "multipart/alternative", "multipart/related", "multipart/report", "message/rfc822", "message/delivery-status",
		"text/plain", "text/html", "text/csv", "text/calendar", "image/png", "application/pdf", "application/zip",
		".pdf", ".png", ".csv", ".ics", ".zip", ".docx", "flowed",
		"7bit", "8bit", "quoted-printable", "base64",
		"utf-8", "us-ascii", "iso-8859-1", "iso-8859-2", "iso-8859-7", "iso-8859-15", "windows-1252", "windows-1254", "iso-2022-jp", "koi8-r", "gb18030",
		"List-Unsubscribe", "Auto-Submitted", "Dkim-Signature", "Importance",
	} {
		if count[want] == 0 {
			t.Errorf("no message has %s", want)
		}
	}
}

// TestWordsDecode finds a phrase of each language and charset in what another
// decoder makes of the bytes.
func TestWordsDecode(t *testing.T) {
	messages := byKey()
	for _, c := range []struct{ key, charset, subject, text string }{
		{"hansen-01", "utf-8", `Anfrage Ersatzteile MS "Wilhelmine", Ballastpumpe NW-180`, "Gleitringdichtung komplett"},
		{"mahn-02", "windows-1254", "Re: Payment reminder: RE-2026/00389", "Bonjour Monsieur Yılmaz"},
		{"kantine-01", "iso-8859-15", "Speiseplan 8. bis 12. Juni (KW 24)", "6,90 €"},
		{"reise-02", "iso-8859-1", "Re: Reise Okafor nach Gdańsk, 8. bis 10. Juni", "Nächte zu 94 Euro mit Frühstück"},
		{"alb-15", "iso-8859-2", "Albatros: brak dokumentów celnych", "Proszę o pilne przesłanie"},
		{"alb-04", "iso-2022-jp", "Re: Inquiry: 6 motors SD-120 for MS Albatros 納期について", "呉工場より出荷可能です"},
		{"welt-01", "koi8-r", "Запрос на насосы NW-180", "балластные насосы"},
		{"welt-04", "gb18030", "关于船用阀门的报价", "附件是二〇二七年的价格表"},
		{"fair-07", "iso-8859-7", "Προσφορά για αντλίες NW-220", "στην έκθεση στο Μπρεμερχάφεν"},
		{"recall-01", "utf-8", "דליפה במשאבה NW-220", "ערכת האטמים"},
		{"recall-08", "utf-8", "رد: استدعاء أطقم الأختام 2026-08-B", "ميناء خليفة"},
		{"recall-09", "utf-8", "เรียกคืนชุดซีล 2026-08-B", "ติดตั้งไปแล้วหนึ่งชุด"},
		{"steuer-03", "windows-1252", "Protokoll Vorbesprechung 18. November", "„kaufmännische Vorsicht“"},
		{"masch-03", "windows-1252", "Monatsabschluss Oktober 2026", "1.914.380,15 €"},
		{"welt-06", "utf-8", "Anfrage für unser Fachbuch „Pumpen an Bord“", "drei Belegexemplare"},
	} {
		m := messages[c.key]
		s := look(t, m.Data)
		if !strings.Contains(string(m.Data), "charset="+c.charset) {
			t.Errorf("%s: not in %s", c.key, c.charset)
		}
		if s.subject != c.subject || !strings.Contains(strings.Join(strings.Fields(s.visible), " "), c.text) {
			t.Errorf("%s: got subject %q and text\n%s\nwant %q and %q", c.key, s.subject, s.visible, c.subject, c.text)
		}
	}
}

func TestMissingFields(t *testing.T) {
	messages := byKey()
	for key, name := range map[string]string{"welt-08": "Message-ID", "masch-01": "Subject", "masch-02": "Date"} {
		h := look(t, messages[key].Data).header
		if _, there := h[name]; there {
			t.Errorf("%s has %s", key, name)
		}
	}
	if s := look(t, messages["masch-01"].Data); len(s.names) != 1 {
		t.Errorf("masch-01: attachments %v", s.names)
	}
}

// TestAnswersQuote checks that later mail in a thread holds the first words of
// the mail that it answers.
func TestAnswersQuote(t *testing.T) {
	messages := byKey()
	for _, c := range []struct{ key, first string }{
		{"hansen-08", "für die Werftzeit der MS"},
		{"inv-10", "Åsa has stopped our invoice"},
		{"alb-17", "bez dokumentów celnych T2"},
		{"contract-04", "Schiedsgericht in Hamburg"},
		{"br-04", "zwei Tage mobiles Arbeiten"},
		{"welt-02", "балластные насосы"},
	} {
		text := strings.Join(strings.Fields(strings.ReplaceAll(look(t, messages[c.key].Data).visible, ">", " ")), " ")
		if !strings.Contains(text, c.first) {
			t.Errorf("%s does not quote %q:\n%s", c.key, c.first, text)
		}
	}
}

func TestPhishingIsHostile(t *testing.T) {
	s := look(t, byKey()["phish-01"].Data)
	for _, tag := range []string{"<script", "<form", "<iframe", "onload=", "javascript:"} {
		if !strings.Contains(string(byKey()["phish-01"].Data), tag) {
			t.Errorf("the phishing mail lacks %s", tag)
		}
	}
	if !strings.Contains(s.from, "nordwind-it-service.test") {
		t.Errorf("from %s", s.from)
	}
}

func TestNestedMessageIsExact(t *testing.T) {
	messages := byKey()
	for outer, inner := range map[string]string{"leak-09": "leak-02", "bounce-01": "inv-05", "bounce-02": "fair-04"} {
		if !bytes.Contains(messages[outer].Data, messages[inner].Data) {
			t.Errorf("%s does not hold the bytes of %s", outer, inner)
		}
	}
}

func TestInlineImagesAreReferred(t *testing.T) {
	n := 0
	for _, m := range Messages() {
		for _, id := range regexp.MustCompile(`Content-ID: <(.*)>`).FindAllStringSubmatch(string(m.Data), -1) {
			n++
			if plain := strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(m.Data)); !strings.Contains(plain, `src="cid:`+id[1]+`"`) {
				t.Errorf("%s: nothing shows the image %s", m.Key, id[1])
			}
		}
	}
	if n < 4 {
		t.Errorf("%d inline images", n)
	}
}

func TestBodyHashOfDKIM(t *testing.T) {
	for _, m := range Messages() {
		found := regexp.MustCompile(`\bbh=([^;]+);`).FindSubmatch(m.Data)
		if found == nil {
			continue
		}
		_, body, _ := bytes.Cut(m.Data, []byte("\r\n\r\n"))
		sum := sha256.Sum256(append(bytes.TrimRight(body, "\r\n"), "\r\n"...))
		if got := base64.StdEncoding.EncodeToString(sum[:]); got != string(found[1]) {
			t.Errorf("%s: body hash %s, want %s", m.Key, found[1], got)
		}
	}
}

// TestFilesAreReal opens every attachment with what the library has for it.
func TestFilesAreReal(t *testing.T) {
	for _, m := range Messages() {
		for name, data := range look(t, m.Data).files {
			switch path.Ext(name) {
			case ".pdf":
				checkPDF(t, m.Key+"/"+name, data)
			case ".png":
				if _, err := png.Decode(bytes.NewReader(data)); err != nil {
					t.Errorf("%s/%s: %v", m.Key, name, err)
				}
			case ".zip", ".docx":
				checkZip(t, m.Key+"/"+name, data)
			case ".ics":
				if !bytes.HasPrefix(data, []byte("BEGIN:VCALENDAR\r\n")) || !bytes.HasSuffix(data, []byte("END:VCALENDAR\r\n")) {
					t.Errorf("%s/%s: no calendar: %s", m.Key, name, data)
				}
			case ".csv":
				checkCSV(t, m.Key+"/"+name, data)
			case ".eml": // TestNestedMessageIsExact
			default:
				t.Errorf("%s: no check for %s", m.Key, name)
			}
		}
	}
}

// checkPDF follows the table of positions to each object.
func checkPDF(t *testing.T, name string, data []byte) {
	t.Helper()
	start := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindSubmatch(data)
	if start == nil {
		t.Errorf("%s: no end", name)
		return
	}
	table, _ := strconv.Atoi(string(start[1]))
	for i, entry := range regexp.MustCompile(`(\d{10}) 00000 n `).FindAllSubmatch(data[table:], -1) {
		place, _ := strconv.Atoi(string(entry[1]))
		if want := strconv.Itoa(i+1) + " 0 obj\n"; !bytes.HasPrefix(data[place:], []byte(want)) {
			t.Errorf("%s: object %d is not at %d", name, i+1, place)
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^\((.*)\) Tj`).FindAllSubmatch(data, -1) {
		if len(line[1]) > 100 {
			t.Errorf("%s: runs off the page: %s", name, line[1])
		}
	}
}

func checkZip(t *testing.T, name string, data []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Errorf("%s: %s: %v", name, f.Name, err)
			continue
		}
		if text, err := io.ReadAll(r); err != nil || len(text) == 0 {
			t.Errorf("%s: %s: %d bytes, %v", name, f.Name, len(text), err)
		}
	}
}

func checkCSV(t *testing.T, name string, data []byte) {
	t.Helper()
	var columns []int
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\r\n") {
		columns = append(columns, strings.Count(line, ";"))
	}
	if slices.Min(columns) != slices.Max(columns) || columns[0] == 0 {
		t.Errorf("%s: columns %v", name, columns)
	}
}
