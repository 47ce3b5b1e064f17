package config

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// SystemFolder is where a server keeps its archive.
const SystemFolder = "/var/lib/mail-archive"

// Machine is what defaults depend on. The zero Machine asks the real one.
type Machine struct {
	Root         func() bool            // the process runs as root
	Writable     func(path string) bool // the folder is there and may be written
	HomeFolder   func() (string, error)
	MachineName  func() (string, error)
	lookupEnv    func(string) (string, bool)
	systemFolder string
}

func (m Machine) withDefaults() Machine {
	if m.Root == nil {
		m.Root = func() bool { return os.Geteuid() == 0 }
	}
	if m.Writable == nil {
		m.Writable = func(path string) bool { return unix.Access(path, unix.W_OK) == nil }
	}
	if m.HomeFolder == nil {
		m.HomeFolder = os.UserHomeDir
	}
	if m.MachineName == nil {
		m.MachineName = os.Hostname
	}
	if m.systemFolder == "" {
		m.systemFolder = SystemFolder
	}
	return m
}

// dataFolder is the system's folder for whoever may write there, else one of
// the user's own (XDG Base Directory Specification 0.8).
func (m Machine) dataFolder() string {
	if m.Root() || m.Writable(m.systemFolder) {
		return m.systemFolder
	}
	// The specification has relative paths ignored.
	if xdg, ok := m.lookupEnv("XDG_DATA_HOME"); ok && filepath.IsAbs(xdg) {
		return filepath.Join(xdg, "mail-archive")
	}
	home, err := m.HomeFolder()
	if err != nil {
		return m.systemFolder
	}
	return filepath.Join(home, ".local", "share", "mail-archive")
}

func (m Machine) hostname() string {
	name, err := m.MachineName()
	if err != nil || name == "" {
		return "localhost"
	}
	return name
}
