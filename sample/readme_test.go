package sample

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestSearchesOfTheReadme counts the hits of each search in the README, once
// with the subject and text alone and once with participants, attachments and
// nested messages too: the figure must not depend on what a search covers.
func TestSearchesOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (\\d+) \\|").FindAllStringSubmatch(string(readme), -1)
	if len(rows) < 10 {
		t.Fatalf("the README has %d searches, want at least 10", len(rows))
	}
	messages := Messages()
	read := make([]seen, len(messages))
	for i, m := range messages {
		read[i] = look(t, m.Data)
	}
	for _, row := range rows {
		query, want := row[1], row[2]
		narrow, wide := 0, 0
		match := matcher(query)
		for i, m := range messages {
			a, b := match(m, read[i])
			narrow, wide = narrow+one(a), wide+one(b)
		}
		if strconv.Itoa(narrow) != want || strconv.Itoa(wide) != want {
			t.Errorf("%s: %d hits in subject and text, %d with the rest; the README says %s", query, narrow, wide, want)
		}
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// matcher is the little of the query language that the README uses.
func matcher(query string) func(Message, seen) (narrow, wide bool) {
	field, value, isField := strings.Cut(query, ":")
	if !isField {
		value = strings.Trim(query, `"`)
	}
	p := phrase(value)
	return func(m Message, s seen) (bool, bool) {
		var hit bool
		switch {
		case !isField:
			text := s.subject + "\n" + s.visible
			return p.MatchString(text), p.MatchString(strings.Join(append(s.names, text, s.deep, s.from, s.to), "\n"))
		case field == "from":
			hit = p.MatchString(s.from)
		case field == "subject":
			hit = p.MatchString(s.subject)
		case field == "delivered":
			hit = slices.Contains(m.To, value)
		}
		return hit, hit
	}
}

// TestReadmeNamesMessages finds each message and file that the README names.
func TestReadmeNamesMessages(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	messages := byKey()
	for _, name := range regexp.MustCompile("`([a-z]+-\\d\\d)`").FindAllStringSubmatch(string(readme), -1) {
		if _, there := messages[name[1]]; !there {
			t.Errorf("no message %s", name[1])
		}
	}
	for _, name := range regexp.MustCompile("`([a-z]+\\.txt)`").FindAllStringSubmatch(string(readme), -1) {
		if _, err := texts.Open("mail/" + name[1]); err != nil {
			t.Error(err)
		}
	}
}
