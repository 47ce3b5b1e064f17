package config

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// maxFile bounds the configuration file; a real one has some kilobytes.
const maxFile = 1 << 20

// entry is one key of a file with its value and place.
type entry struct {
	key   string
	value any
	line  int
}

// readFile returns the entries of a TOML file in the order of their lines. A
// missing file is fs.ErrNotExist.
func readFile(path string) ([]entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, errors.New("is over 1 MiB, which no configuration file is")
	}
	return parseFile(text)
}

// parseFile takes TOML 1.0 apart. The error is a *toml.DecodeError with the
// place when it is not TOML.
func parseFile(text []byte) ([]entry, error) {
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		return nil, err
	}
	lines := keyLines(text)
	var entries []entry
	for key, value := range values {
		entries = append(entries, entry{key, value, lines[key]})
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].line < entries[j].line })
	return entries, nil
}

// keyLines finds the line on which each top-level key or table first stands.
func keyLines(text []byte) map[string]int {
	lines := map[string]int{}
	var p unstable.Parser
	p.Reset(text)
	inTable := false
	for p.NextExpression() {
		e := p.Expression()
		isTable := e.Kind == unstable.Table || e.Kind == unstable.ArrayTable
		inTable = inTable || isTable
		if !isTable && (inTable || e.Kind != unstable.KeyValue) {
			continue
		}
		it := e.Key()
		if !it.Next() {
			continue
		}
		key := string(it.Node().Data)
		if _, seen := lines[key]; !seen {
			lines[key] = 1 + bytes.Count(text[:it.Node().Raw.Offset], []byte("\n"))
		}
	}
	return lines
}

// applyFile sets what the file says and returns what is wrong in it.
func (l *Loaded) applyFile(path string, all []setting) []Mistake {
	entries, err := readFile(path)
	if err != nil {
		return []Mistake{fileMistake(path, err)}
	}
	var mistakes []Mistake
	for _, e := range entries {
		origin := Origin{File: path, Line: e.line}
		if e.key == importTable {
			mistakes = append(mistakes, l.applyWatches(origin, e.value)...)
			continue
		}
		s, ok := find(all, e.key)
		if !ok {
			mistakes = append(mistakes, unknownKey(origin, e.key, all))
			continue
		}
		text, err := s.tomlText(e.value)
		if err == nil {
			err = s.set(text)
		}
		if err != nil {
			mistakes = append(mistakes, s.mistake(origin, s.shown(e.value), err))
			continue
		}
		l.Origins[s.key] = origin
	}
	return mistakes
}

func fileMistake(path string, err error) Mistake {
	m := Mistake{Origin: Origin{File: path}, What: "cannot be read: " + err.Error()}
	var syntax *toml.DecodeError
	switch {
	case errors.As(err, &syntax):
		m.Origin.Line, _ = syntax.Position()
		m.What = "is not TOML: " + strings.TrimPrefix(syntax.Error(), "toml: ")
		m.Instead = `lines such as smtp = "127.0.0.1:2525"`
	case errors.Is(err, os.ErrNotExist):
		m.What = "is not there"
		m.Instead = "the path of a file, or leave --config out"
	case errors.Is(err, os.ErrPermission):
		m.What = "may not be read by this user"
		m.Instead = "sudo in front of the command, or --config with a file of your own"
	}
	return m
}

func unknownKey(origin Origin, key string, all []setting) Mistake {
	m := Mistake{Origin: origin, Key: quote(key), What: "is no key of the configuration"}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.key
	}
	if near, ok := nearest(strings.ReplaceAll(strings.ToLower(key), "_", "-"), names); ok {
		m.Instead = near
	} else {
		m.What += " (mail-archive config print lists them)"
	}
	return m
}

// tomlText turns a TOML value into the text that set reads, if its TOML type
// is one that this setting is written in.
func (s setting) tomlText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		if _, number := s.field.Interface().(int); !number {
			return v, nil
		}
	case int64:
		text := strconv.FormatInt(v, 10)
		switch s.field.Interface().(type) {
		case int, Size:
			return text, nil
		}
	case bool:
		if _, flag := s.field.Interface().(Flag); flag {
			return strconv.FormatBool(v), nil
		}
	case []any:
		if s.isList() {
			return joinStrings(v)
		}
	}
	return "", &valueError{what: "has the wrong type", instead: s.example()}
}

func joinStrings(values []any) (string, error) {
	texts := make([]string, len(values))
	for i, v := range values {
		text, ok := v.(string)
		if !ok {
			return "", &valueError{what: "has an entry that is not text", instead: "each entry in quotes"}
		}
		texts[i] = text
	}
	return strings.Join(texts, ","), nil
}

// example is a line that would be right.
func (s setting) example() string {
	text := s.defaultText()
	if text == "" {
		text = "…"
	}
	return s.key + " = " + s.literal(text)
}

// shown is a value as the mistake quotes it.
func (s setting) shown(value any) string {
	if s.secret() {
		return ""
	}
	text, err := toml.Marshal(map[string]any{"v": value})
	if err != nil {
		return ""
	}
	shown := strings.TrimSpace(strings.TrimPrefix(string(text), "v = "))
	if text, ok := value.(string); ok {
		shown = quote(text)
	}
	if strings.Contains(shown, "\n") {
		return ""
	}
	return shown
}

// mistake describes a value that could not be set.
func (s setting) mistake(origin Origin, value string, err error) Mistake {
	m := Mistake{Origin: origin, Key: s.key, Value: value, What: err.Error()}
	if s.secret() {
		m.Value = ""
	}
	var v *valueError
	switch {
	case errors.As(err, &v):
		m.What, m.Instead = v.what, v.instead
	case s.key == "log-level":
		m.What, m.Instead = "is none of its words", `"DEBUG", "INFO", "WARN", "ERROR"`
	}
	return m
}
