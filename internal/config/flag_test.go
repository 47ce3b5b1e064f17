package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFlags(t *testing.T) {
	for text, want := range map[string]string{
		"true": "true", "Yes": "true", "on": "true", "1": "true",
		"false": "false", "no": "false", " off ": "false", "0": "false", "": "", "maybe": "",
	} {
		var f Flag
		err := f.UnmarshalText([]byte(text))
		got, _ := f.MarshalText()
		if bad := want == ""; bad != (err != nil) || !bad && string(got) != want {
			t.Errorf("%q: %s, %v; want %q", text, got, err, want)
		}
	}
}

func TestFiles(t *testing.T) {
	var f Files
	if err := f.UnmarshalText([]byte("/etc/a.asc, keys/b.asc,,")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/etc/a.asc", "keys/b.asc"}, f.List()); diff != "" {
		t.Error(diff)
	}
}
