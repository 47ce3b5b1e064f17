package test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mailarchive/internal/corpus"
)

const (
	sampled  = 1000 // messages of the bulk corpus that are asked for by default
	together = 4000 // messages in one archive: the more, the longer takes each answer
)

// TestCorpusEveryWordFindsItsMessage has Python say which words stand in each
// message of the corpora, and asks a running archive for the message by each
// of them. At most one message in a thousand may not be found by a word of
// it, and only for a cause that is written down below.
func TestCorpusEveryWordFindsItsMessage(t *testing.T) {
	needs(t, "python3")
	hostile, real := messages(t, corpus.Torture(t)), messages(t, corpus.Bulk(t))
	allowed := (len(hostile) + len(real)) / 1000
	if !soak() {
		t.Logf("%d of %d real messages; all of them with MAIL_SOAK=1", sampled, len(real))
		real = oneIn(real, len(real)/sampled)
	}
	names := append(hostile, real...)
	n := 0
	var exceptions []exception
	for some := range slices.Chunk(names, together) {
		found, words := complete(t, some)
		exceptions = append(exceptions, found...)
		n += words
	}
	judge(t, names, exceptions)
	if len(exceptions) > allowed {
		t.Errorf("%d messages are not found by a word of them, more than one in a thousand", len(exceptions))
	}
	t.Logf("%d messages, %d words; %d messages are not found by a word of them", len(names), n, len(exceptions))
	if n < 50*len(names) {
		t.Errorf("the script found only %d words in %d messages", n, len(names))
	}
}

// complete puts messages into an archive, asks for each by its words, and
// returns those that are not found and how many words there were.
func complete(t *testing.T, names []string) (exceptions []exception, n int) {
	t.Helper()
	s := serve(t, t.TempDir())
	defer s.stop()
	var read []reading
	var reader sync.WaitGroup
	reader.Go(func() { read = words(t, names) })
	ids := imported(t, s, names)
	reader.Wait()
	if len(read) != len(names) {
		t.Fatalf("the script read %d of %d messages", len(read), len(names))
	}
	for _, r := range read {
		n += len(r.Words)
	}
	return allMissing(t, s, read, ids), n
}

// explained are the messages that a word of them may not find, each with its
// cause.
func explained() map[string]string {
	const guess = "says no charset and is in Korean: each reader guesses, and wrong"
	return map[string]string{
		"linux-mips/00/00724.eml":                                   guess,
		"linux-mips/00/00748.eml":                                   guess,
		"linux-mips/01/01461.eml":                                   guess,
		"linux-mips/02/02846.eml":                                   "a patch in two charsets at once: Python reads all of it in one",
		"spamassassin-ham/03/03585.eml":                             "a digest in two charsets at once: Python reads all of it in one",
		"linux-mips/05/05868.eml":                                   "an address with colons outside of quotes: Python takes what is before them for groups' names",
		"openbmc/05/05360.eml":                                      "a domain folded in its middle: Python joins it, where white space may as well separate",
		"enmime/testdata__parts__chardet-success-big-5.raw.eml":     "says US-ASCII and is Big5: each reader guesses, and wrong",
		"mikel-mail/spec__fixtures__emails__rfc2822__example10.eml": "comments inside of addresses, <pete(his account)@silly.test>, are left out",
		"sisimai/maildir__dos__lhost-x3-01.eml":                     "an empty line stands before a nested header: Python takes the header, Received and all, for text",
		"MimeKit/UnitTests__TestData__messages__issue358.eml":       "a header line broken without folding: Python takes the rest of the header and the MIME parts, undecoded, for text",
		"stalwart-mail-parser/resources__eml__malformed__019.eml":   "random bytes: where the header ends is anybody's guess",
		"mime4j/core__src__test__resources__testmsgs__obsolete.eml": "space between a field's name and the colon (RFC 5322 4.5.8): Python takes the header for text",
	}
}

// judge reports the exceptions among the messages: those without a cause are
// errors, and so are causes without an exception.
func judge(t *testing.T, names []string, exceptions []exception) {
	t.Helper()
	found := map[string]bool{}
	for _, name := range names {
		found[name] = true
	}
	for _, e := range exceptions {
		delete(found, e.Path)
		if cause := causeOf(e.Path); cause != "" {
			t.Logf("%s: %s", e, cause)
		} else {
			t.Errorf("not found: %s", e)
		}
	}
	for name := range found {
		if causeOf(name) != "" {
			t.Errorf("%s is found by all of its words: take it off the list", name)
		}
	}
}

func causeOf(path string) string {
	parts := strings.Split(filepath.ToSlash(path), "/")
	for n := 2; n <= min(3, len(parts)); n++ {
		if cause, ok := explained()[strings.Join(parts[len(parts)-n:], "/")]; ok {
			return cause
		}
	}
	return ""
}

func oneIn(list []string, n int) (some []string) {
	for i := 0; i < len(list); i += max(n, 1) {
		some = append(some, list[i])
	}
	return some
}

// reading is what the script says of one message: its words, each with the
// place where it stands first, as they are to be asked for.
type reading struct {
	Path    string
	Words   map[string]string
	Defects []string
	Failed  string
}

// words runs the script, one process for each half of the messages.
func words(t *testing.T, names []string) []reading {
	t.Helper()
	half := len(names) / 2
	var parts [2][]reading
	var wg sync.WaitGroup
	for i, list := range [][]string{names[:half], names[half:]} {
		wg.Go(func() { parts[i] = scripted(t, list) })
	}
	wg.Wait()
	return append(parts[0], parts[1]...)
}

func scripted(t *testing.T, names []string) (all []reading) {
	cmd := exec.Command("python3", filepath.Join("independent", "words.py"))
	cmd.Stdin = strings.NewReader(strings.Join(names, "\n"))
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("words.py: %v\n%s", err, &complaints)
		return nil
	}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var r reading
		if err := d.Decode(&r); err != nil {
			t.Errorf("words.py: %v", err)
			return all
		}
		all = append(all, r)
	}
	return all
}

// imported hands the messages in and returns their IDs by path, when all of
// them are in the index.
func imported(t *testing.T, s *server, names []string) map[string]string {
	t.Helper()
	folder := t.TempDir()
	linked := map[string]string{}
	for i, name := range names {
		link := filepath.Join(folder, fmt.Sprintf("%06d.eml", i))
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(link, content, 0o600); err != nil {
			t.Fatal(err)
		}
		linked[link] = name
	}
	report := filepath.Join(t.TempDir(), "report.jsonl")
	if out, code := s.run("import", "--format", "eml", "--report", report, folder); code != 0 {
		t.Fatalf("import: exit %d\n%s", code, out)
	}
	ids := map[string]string{}
	for link, o := range outcomes(t, report) {
		ids[linked[link]] = o.ID
	}
	s.until("stored = indexed", 10*time.Minute, func() bool {
		n := s.stats()
		return n.Stored == n.Indexed && n.Arrivals >= uint64(len(ids))
	})
	return ids
}

// exception is a message that some of its words do not find.
type exception struct {
	reading
	missing []string
}

func (e exception) String() string {
	const shown = 8
	var list []string
	for _, w := range e.missing[:min(len(e.missing), shown)] {
		list = append(list, fmt.Sprintf("%q (%s)", w, e.Words[w]))
	}
	return fmt.Sprintf("%s: %d of %d words: %s; Python says %v %s",
		e.Path, len(e.missing), len(e.Words), strings.Join(list, ", "), e.Defects, e.Failed)
}

func allMissing(t *testing.T, s *server, read []reading, ids map[string]string) (all []exception) {
	t.Helper()
	asker := newAsker(s.data)
	defer asker.CloseIdleConnections()
	work := make(chan reading)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for r := range work {
				missing, err := missingOf(asker, ids[r.Path], slices.Sorted(maps.Keys(r.Words)))
				mu.Lock()
				if err != nil {
					t.Errorf("%s: %v", r.Path, err)
				} else if len(missing) > 0 {
					all = append(all, exception{r, missing})
				}
				mu.Unlock()
			}
		})
	}
	for _, r := range read {
		work <- r
	}
	close(work)
	wg.Wait()
	return all
}

// missingOf returns the words that do not find the message. It asks for many
// at once and for half of them when that finds nothing.
func missingOf(c *http.Client, id string, words []string) (missing []string, err error) {
	const atOnce, atMost = 100, 6 << 10 // words and bytes of a query
	for len(words) > 0 {
		n, size := 0, 0
		for n < min(atOnce, len(words)) && (n == 0 || size+len(words[n]) < atMost) {
			size += len(words[n]) + 3
			n++
		}
		m, err := halved(c, id, words[:n])
		if err != nil {
			return nil, err
		}
		missing = append(missing, m...)
		words = words[n:]
	}
	return missing, nil
}

func halved(c *http.Client, id string, words []string) ([]string, error) {
	found, err := finds(c, id, words)
	switch {
	case err != nil || found:
		return nil, err
	case len(words) == 1:
		return words, nil
	}
	left, err := halved(c, id, words[:len(words)/2])
	if err != nil {
		return nil, err
	}
	right, err := halved(c, id, words[len(words)/2:])
	return append(left, right...), err
}

// newAsker speaks HTTP with the archive's socket: a process for each of so many
// questions would take minutes.
func newAsker(data string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(data, "control.sock"))
		},
		MaxIdleConnsPerHost: 8,
	}}
}

// finds reports whether the words together, each as a phrase over all text,
// find the message.
func finds(c *http.Client, id string, words []string) (bool, error) {
	query := "id:" + id + ` "` + strings.Join(words, `" "`) + `"`
	response, err := c.Get("http://archive/v1/search?" + url.Values{"query": {query}, "limit": {"1"}}.Encode())
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	found := false
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l struct{ Hit, End, Error json.RawMessage }
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return false, err
		}
		switch {
		case l.Error != nil:
			return false, fmt.Errorf("query %.200q: %s", query, l.Error)
		case l.End != nil:
			return found, nil
		case l.Hit != nil:
			found = true
		}
	}
	return false, fmt.Errorf("the answer to %.200q has no end: %v", query, lines.Err())
}
