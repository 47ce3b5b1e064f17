package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"mailarchive/internal/durable"
	"mailarchive/sample"
)

// envelope is one line of envelopes.jsonl.
type envelope struct {
	File string   `json:"file"`
	From string   `json:"mail_from"`
	To   []string `json:"rcpt_to"`
}

// write puts each message into a file of its own and the envelopes beside
// them. When it returns nil all of them survive power loss.
func write(fsys durable.FS, folder string, messages []sample.Message) error {
	if err := durable.MakeFolder(fsys, folder, 0o755); err != nil {
		return err
	}
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	enc.SetEscapeHTML(false)
	for i, m := range messages {
		name := fmt.Sprintf("%03d-%s.eml", i+1, m.Key)
		if err := put(fsys, filepath.Join(folder, name), m.Data); err != nil {
			return err
		}
		if err := enc.Encode(envelope{name, m.From, m.To}); err != nil {
			return err
		}
	}
	return put(fsys, filepath.Join(folder, "envelopes.jsonl"), lines.Bytes())
}

func put(fsys durable.FS, name string, data []byte) error {
	return durable.WriteFile(fsys, name, 0o644, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
