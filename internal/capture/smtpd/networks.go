package smtpd

import (
	"net"
	"net/netip"
)

// DefaultNetworks are those from which no stranger comes: loopback, private
// (RFC 1918, RFC 4193) and link-local (RFC 3927, RFC 4291 2.5.6).
func DefaultNetworks() []netip.Prefix {
	var networks []netip.Prefix
	for _, text := range []string{
		"127.0.0.0/8", "::1/128",
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",
		"169.254.0.0/16", "fe80::/10",
	} {
		networks = append(networks, netip.MustParsePrefix(text))
	}
	return networks
}

// admitted says whether a peer may connect. One on a Unix socket may.
func admitted(networks []netip.Prefix, peer net.Addr) bool {
	tcp, ok := peer.(*net.TCPAddr)
	if !ok {
		return peer.Network() == "unix"
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("") // a prefix has no zone
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}
