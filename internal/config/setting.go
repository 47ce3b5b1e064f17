package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// setting is one key, bound to the field that holds its value.
type setting struct {
	key   string
	tag   reflect.StructTag
	field reflect.Value
}

// settingsOf lists the keys of a structure whose fields are tagged like those
// of Config, in the order of the fields.
func settingsOf(structure any) []setting {
	v := reflect.ValueOf(structure).Elem()
	var all []setting
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if key, ok := tag.Lookup("key"); ok {
			all = append(all, setting{key, tag, v.Field(i)})
		}
	}
	return all
}

// list is a value that a file writes as an array of texts.
type list interface{ List() []string }

func (s setting) isList() bool {
	_, is := s.field.Interface().(list)
	return is
}

// find returns the setting of that key.
func find(all []setting, key string) (setting, bool) {
	i := slices.IndexFunc(all, func(s setting) bool { return s.key == key })
	if i < 0 {
		return setting{}, false
	}
	return all[i], true
}

func (s setting) doc() string         { return s.tag.Get("doc") }
func (s setting) defaultText() string { return s.tag.Get("default") }
func (s setting) secret() bool        { return s.tag.Get("secret") != "" }

// environment is the variable that overrides the file.
func (s setting) environment() string {
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(s.key, "-", "_"))
}

// choices are the words the value may be; nil means any.
func (s setting) choices() []string {
	if words, ok := s.tag.Lookup("oneof"); ok {
		return strings.Split(words, "|")
	}
	return nil
}

// set reads the value from text and checks it. On an error the field is as it
// was.
func (s setting) set(text string) error {
	fresh := reflect.New(s.field.Type())
	if err := parseInto(fresh.Interface(), text); err != nil {
		return err
	}
	if err := s.check(fresh.Elem(), text); err != nil {
		return err
	}
	s.field.Set(fresh.Elem())
	return nil
}

func parseInto(pointer any, text string) error {
	switch p := pointer.(type) {
	case *string:
		*p = text
		return nil
	case *int:
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return &valueError{what: "is not a whole number", instead: "digits without quotes"}
		}
		*p = n
		return nil
	case encoding.TextUnmarshaler:
		return p.UnmarshalText([]byte(text))
	default:
		panic(fmt.Sprintf("config: a key of type %T cannot be read", pointer))
	}
}

// check holds the value against the bounds and choices in the tags.
func (s setting) check(v reflect.Value, text string) error {
	if words := s.choices(); words != nil && !slices.Contains(words, text) {
		return &valueError{what: "is none of its words", instead: quoteAll(words)}
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return &valueError{what: "has a control character in it", instead: "plain text"}
	}
	if !v.CanInt() {
		return nil
	}
	for _, bound := range []struct {
		name, word string
		beyond     func(v, limit int64) bool
	}{
		{"min", "is too small: at least ", func(v, limit int64) bool { return v < limit }},
		{"max", "is too large: at most ", func(v, limit int64) bool { return v > limit }},
	} {
		text, ok := s.tag.Lookup(bound.name)
		if !ok || !bound.beyond(v.Int(), s.parseBound(text)) {
			continue
		}
		return &valueError{
			what:    bound.word + text + ", because " + s.tag.Get("why"),
			instead: s.literal(s.defaultText()) + " (the default)",
		}
	}
	return nil
}

// parseBound reads a tag in the notation of the value.
func (s setting) parseBound(text string) int64 {
	limit := reflect.New(s.field.Type())
	if err := parseInto(limit.Interface(), text); err != nil {
		panic(fmt.Sprintf("config: bound of %s: %v", s.key, err))
	}
	return limit.Elem().Int()
}

// text is the value as the environment or a flag would write it.
func (s setting) text() string {
	switch p := s.field.Addr().Interface().(type) {
	case *string:
		return *p
	case *int:
		return strconv.Itoa(*p)
	case encoding.TextMarshaler:
		text, err := p.MarshalText()
		if err != nil {
			panic(fmt.Sprintf("config: %s: %v", s.key, err))
		}
		return string(text)
	default:
		return fmt.Sprint(s.field.Interface())
	}
}

// literal writes a value of this setting as TOML.
func (s setting) literal(text string) string {
	switch s.field.Interface().(type) {
	case int, Flag:
		return text
	}
	if !s.isList() {
		return quote(text)
	}
	fresh := reflect.New(s.field.Type())
	if parseInto(fresh.Interface(), text) != nil {
		return quote(text)
	}
	return "[" + quoteAll(fresh.Elem().Interface().(list).List()) + "]"
}
