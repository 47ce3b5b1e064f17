package observe

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Version says which build this is and which formats it reads and writes.
type Version struct {
	Version string   `json:"version"`
	Commit  string   `json:"commit,omitempty"`
	Changed bool     `json:"changed,omitempty"` // built from more than the commit
	Go      string   `json:"go"`
	Formats []string `json:"formats"`
}

// BuildVersion reads what the Go toolchain wrote into the binary.
func BuildVersion() Version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) Version {
	v := Version{Version: info.Main.Version, Go: info.GoVersion, Formats: []string{"vault 1"}}
	if v.Version == "" || v.Version == "(devel)" {
		v.Version = "development"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Changed = s.Value == "true"
		}
	}
	return v
}

// String is one line for a person.
func (v Version) String() string {
	s := "Mail Archive " + v.Version
	if v.Commit != "" {
		s += " (commit " + v.Commit
		if v.Changed {
			s += ", changed"
		}
		s += ")"
	}
	return fmt.Sprintf("%s, %s, formats: %s", s, v.Go, strings.Join(v.Formats, ", "))
}
