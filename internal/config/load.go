package config

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// DefaultFile is read when it is there and no other file is named.
const DefaultFile = "/etc/mail-archive/mail-archive.toml"

// environmentPrefix stands before the key, in capitals with underscores.
const environmentPrefix = "MAIL_ARCHIVE_"

// FileVariable names the configuration file like --config does.
const FileVariable = environmentPrefix + "CONFIG"

// Origin is where a value comes from. The zero Origin is the default.
type Origin struct {
	File     string
	Line     int    // from 1; 0 when not known
	Variable string // environment variable
	Flag     string // with its dashes
}

// String names the place for a person.
func (o Origin) String() string {
	switch {
	case o.Flag != "":
		return o.Flag
	case o.Variable != "":
		return "environment " + o.Variable
	case o.File != "" && o.Line > 0:
		return o.File + ":" + strconv.Itoa(o.Line)
	case o.File != "":
		return o.File
	default:
		return "default"
	}
}

// Sources is what Load reads, in rising order of precedence: defaults, File,
// Environment, Flags.
type Sources struct {
	// File is the file that was asked for; it must be there. When empty,
	// FileVariable and then Default is tried, and Default may be missing.
	File string
	// Default is DefaultFile unless a test has another.
	Default string
	// Environment is as os.Environ gives it.
	Environment []string
	// Flags holds the values of the flags that were given, by key.
	Flags   map[string]string
	Machine Machine
}

// Loaded is a configuration with the origin of each value.
type Loaded struct {
	Config
	// File is the file that was read, empty for none.
	File string
	// Origins has an entry for each key that is not at its default.
	Origins map[string]Origin
}

// Load puts the configuration together. The error is of type Mistakes and has
// all of them; then the result is what could be read.
func Load(from Sources) (*Loaded, error) {
	l := &Loaded{Origins: map[string]Origin{}}
	all := settingsOf(&l.Config)
	setDefaults(all)

	variables := variablesOf(from.Environment)
	var mistakes Mistakes
	if l.File = from.file(variables); l.File != "" {
		mistakes = append(mistakes, l.applyFile(l.File, all)...)
	}
	mistakes = append(mistakes, l.applyEnvironment(variables, all)...)
	mistakes = append(mistakes, l.applyFlags(from.Flags, all)...)
	mistakes = append(mistakes, l.applyChecks(all)...)

	machine := from.Machine.withDefaults()
	machine.lookupEnv = func(name string) (string, bool) { v, ok := variables[name]; return v, ok }
	if err := l.Config.complete(machine); err != nil {
		mistakes = append(mistakes, Mistake{Key: "data", What: err.Error()})
	}
	if len(mistakes) > 0 {
		return l, mistakes
	}
	return l, nil
}

func setDefaults(all []setting) {
	for _, s := range all {
		if s.defaultText() == "" {
			continue
		}
		if err := s.set(s.defaultText()); err != nil {
			panic("config: default of " + s.key + ": " + err.Error()) // ours, and a test reads all
		}
	}
}

func variablesOf(environment []string) map[string]string {
	variables := map[string]string{}
	for _, pair := range environment {
		if name, value, ok := strings.Cut(pair, "="); ok {
			variables[name] = value
		}
	}
	return variables
}

// file chooses the file to read, empty for none.
func (from Sources) file(variables map[string]string) string {
	if from.File != "" {
		return from.File
	}
	if name := variables[FileVariable]; name != "" {
		return name
	}
	name := from.Default
	if name == "" {
		name = DefaultFile
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return name
}

func (l *Loaded) applyEnvironment(variables map[string]string, all []setting) []Mistake {
	known := map[string]bool{FileVariable: true}
	var mistakes []Mistake
	for _, s := range all {
		name := s.environment()
		known[name] = true
		if text, ok := variables[name]; ok {
			mistakes = l.apply(s, text, Origin{Variable: name}, mistakes)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if strings.HasPrefix(name, environmentPrefix) && !known[name] {
			mistakes = append(mistakes, unknownVariable(name, all))
		}
	}
	return mistakes
}

func unknownVariable(name string, all []setting) Mistake {
	m := Mistake{Origin: Origin{Variable: name}, What: "is no key of the configuration (mail-archive config print lists them)"}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.environment()
	}
	if near, ok := nearest(name, names); ok {
		m.Instead = near
	}
	return m
}

func (l *Loaded) applyFlags(flags map[string]string, all []setting) []Mistake {
	var mistakes []Mistake
	for _, s := range all {
		if text, ok := flags[s.key]; ok {
			mistakes = l.apply(s, text, Origin{Flag: "--" + s.key}, mistakes)
		}
	}
	return mistakes
}

func (l *Loaded) apply(s setting, text string, origin Origin, mistakes []Mistake) []Mistake {
	if err := s.set(text); err != nil {
		return append(mistakes, s.mistake(origin, quote(text), err))
	}
	l.Origins[s.key] = origin
	return mistakes
}

// applyChecks finds what is wrong between keys.
func (l *Loaded) applyChecks(all []setting) []Mistake {
	wrong := l.Config.check()
	var mistakes []Mistake
	for _, s := range all {
		if err, ok := wrong[s.key]; ok {
			mistakes = append(mistakes, s.mistake(l.Origins[s.key], s.literal(s.text()), err))
		}
	}
	return mistakes
}

// Key is what help texts and flags need to know of a key.
type Key struct {
	Name    string
	Default string // as a flag would write it; empty when it depends on the machine
	Doc     string
}

// Keys lists all keys in the order of the documentation.
func Keys() []Key {
	var c Config
	var keys []Key
	for _, s := range settingsOf(&c) {
		keys = append(keys, Key{s.key, s.defaultText(), s.doc()})
	}
	return keys
}
