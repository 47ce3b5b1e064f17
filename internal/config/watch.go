package config

import (
	"fmt"
	"path/filepath"
)

// Watch is a folder whose new mail is imported again and again: a table
// [[import.watch]] of the file. It has no variable and no flag.
type Watch struct {
	Path         string   `key:"path" doc:"File or folder."`
	Interval     Duration `key:"interval" default:"1h" min:"1s" max:"30d" why:"somebody waits for the mail" doc:"How often it is looked at."`
	Settle       Duration `key:"settle" default:"1m" min:"0s" max:"1d" why:"it must be taken one day" doc:"How long a file must have been left alone."`
	Format       string   `key:"format" default:"auto" oneof:"auto|eml|spool|mboxrd|mboxo|mboxcl|mboxcl2" doc:"As import --format."`
	DeliveredTo  Flag     `key:"delivered-to" default:"false" doc:"As import --delivered-to."`
	Owner        string   `key:"owner" doc:"As import --owner."`
	Folder       string   `key:"folder" doc:"As import --folder."`
	PasswordFile string   `key:"password-file" doc:"As import --password-file."`
}

// importTable is the key under which the file has its watches.
const importTable = "import"

// applyWatches reads the tables [[import.watch]].
func (l *Loaded) applyWatches(origin Origin, value any) []Mistake {
	wrong := func(what string) []Mistake {
		return []Mistake{{Origin: origin, Key: quote(importTable), What: what, Instead: "tables [[import.watch]] with path, interval, format"}}
	}
	table, ok := value.(map[string]any)
	if !ok {
		return wrong("is no table")
	}
	var mistakes []Mistake
	for key := range table {
		if key != "watch" {
			mistakes = append(mistakes, wrong("has "+quote(key)+", which is no key of it")...)
		}
	}
	list, ok := table["watch"].([]any)
	if !ok && table["watch"] != nil {
		return append(mistakes, wrong("has a watch that is no [[import.watch]]")...)
	}
	for i, entry := range list {
		w, wrong := readWatch(origin, fmt.Sprintf("import.watch %d: ", i+1), entry)
		mistakes = append(mistakes, wrong...)
		l.Watches = append(l.Watches, w)
	}
	return mistakes
}

func readWatch(origin Origin, where string, entry any) (w Watch, mistakes []Mistake) {
	all := settingsOf(&w)
	setDefaults(all)
	table, ok := entry.(map[string]any)
	if !ok {
		return w, []Mistake{{Origin: origin, Key: where, What: "is no table"}}
	}
	for key, value := range table {
		s, ok := find(all, key)
		if !ok {
			m := unknownKey(origin, key, all)
			m.Key = where + m.Key
			mistakes = append(mistakes, m)
			continue
		}
		text, err := s.tomlText(value)
		if err == nil {
			err = s.set(text)
		}
		if err != nil {
			m := s.mistake(origin, s.shown(value), err)
			m.Key = where + m.Key
			mistakes = append(mistakes, m)
		}
	}
	if w.Path == "" {
		mistakes = append(mistakes, Mistake{Origin: origin, Key: where + "path", What: "is missing", Instead: "the folder to import from"})
	} else if absolute, err := filepath.Abs(w.Path); err == nil {
		w.Path = absolute
	}
	return w, mistakes
}
