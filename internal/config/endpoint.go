package config

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// Endpoint is an address to listen on: "host:port", "unix:/path", or empty for
// none.
type Endpoint string

// maxSocketPath is what fits into sun_path of unix(7) before its closing zero.
const maxSocketPath = 107

// UnmarshalText checks the address; it resolves no name.
func (e *Endpoint) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if err := checkSocketPath(path); err != nil {
			return err
		}
	} else if s != "" {
		if err := checkHostPort(s); err != nil {
			return err
		}
	}
	*e = Endpoint(s)
	return nil
}

func checkSocketPath(path string) error {
	if !filepath.IsAbs(path) {
		return &valueError{what: "is not a whole path", instead: `"unix:/run/mail-archive/lmtp.sock"`}
	}
	if len(path) > maxSocketPath {
		return &valueError{what: "is too long for a socket (107 bytes at most)", instead: `a shorter path, such as "unix:/run/mail-archive/lmtp.sock"`}
	}
	return nil
}

func checkHostPort(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err == nil {
		err = checkPort(port)
	}
	if err == nil && !strings.ContainsAny(host, "/ \t") {
		return nil
	}
	return &valueError{what: "is not an address to listen on", instead: suggestEndpoint(s)}
}

func checkPort(port string) error {
	_, err := strconv.ParseUint(port, 10, 16)
	return err
}

// suggestEndpoint guesses what was meant by a lone port, host or path.
func suggestEndpoint(s string) string {
	switch {
	case checkPort(s) == nil:
		return strconv.Quote("127.0.0.1:" + s)
	case strings.HasPrefix(s, "/"):
		return strconv.Quote("unix:" + s)
	case !strings.ContainsAny(s, ":/ \t"):
		return strconv.Quote(s + ":2525")
	default:
		return `host:port, such as "127.0.0.1:2525"`
	}
}

// Network returns the arguments for net.Listen; both are empty when the
// endpoint is off.
func (e Endpoint) Network() (network, address string) {
	if e == "" {
		return "", ""
	}
	if path, ok := strings.CutPrefix(string(e), "unix:"); ok {
		return "unix", path
	}
	return "tcp", string(e)
}

// Port returns the digits of a TCP port, else nothing.
func (e Endpoint) Port() string {
	network, address := e.Network()
	if network != "tcp" {
		return ""
	}
	return address[strings.LastIndexByte(address, ':')+1:]
}
