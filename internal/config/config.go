// Package config is what the archive can be told, and what it does when told
// nothing.
//
// In come a TOML file, environment variables and flags; out goes a [Config]
// whose values are all usable, or [Mistakes], which names everything that is
// wrong at once. It reads one file and writes none, so nothing is on disk when
// a call returns and a crash leaves nothing.
//
// A key is defined once, as a field of [Config]: its tags give the name in the
// file, the environment variable, the flag, the default, the bounds and the
// sentence that explains it.
package config

import (
	"fmt"
	"log/slog"
	"path/filepath"
)

// Config is the effective configuration. The tags of its fields are the whole
// definition of a key:
//
//	key      its name in the file; the flag is the same behind --, the
//	         environment variable the same in capitals behind MAIL_ARCHIVE_
//	default  its value when nobody says anything, as the file would write it
//	doc      what it does, as `config print` and the help say it
//	min, max bounds, in the notation of the value; why says why they are there
//	oneof    the words it may be
//	unset    how `config print` explains an empty value
//	secret   never printed
type Config struct {
	Data string `key:"data" doc:"Folder that holds everything the archive keeps. Without a value it is /var/lib/mail-archive for root and for whoever may write there, else $XDG_DATA_HOME/mail-archive or ~/.local/share/mail-archive."`

	SMTP Endpoint `key:"smtp" default:"127.0.0.1:2525" unset:"SMTP is off" doc:"Address for mail by SMTP: host:port, or :port for all interfaces. Empty is off."`
	LMTP Endpoint `key:"lmtp" default:"" unset:"LMTP is off" doc:"Address for mail by LMTP: host:port or unix:/path. Empty is off."`
	HTTP Endpoint `key:"http" default:"127.0.0.1:8025" unset:"HTTP is off" doc:"Address of the web page, of metrics and of health by HTTP: host:port. Empty is off."`

	HTTPNames    Domains  `key:"http-names" default:"" unset:"Only hostname, localhost and addresses in numbers" doc:"Further names under which the web page may be called, that of a reverse proxy for one. Under other names it does not answer: a foreign site could point its own name here and read with a visitor's browser."`
	HTTPProxies  Networks `key:"http-proxies" default:"" unset:"None is believed" doc:"Reverse proxies, as networks or addresses: what they say in X-Forwarded-For and X-Forwarded-Proto is believed."`
	Organisation string   `key:"organisation" default:"" unset:"The sign-in page names none" doc:"Whose archive it is, for the sign-in page."`

	Hostname string   `key:"hostname" doc:"Name of this server in SMTP greetings. Without a value the machine's own name."`
	Networks Networks `key:"networks" default:"loopback, private" doc:"Who may connect to hand mail in: networks such as 192.0.2.0/24, single addresses, and the words loopback, private (RFC 1918, RFC 4193, link-local) and any."`

	LocalDomains Domains `key:"local-domains" default:"" unset:"No mail has a direction" doc:"Mail domains of the organisation, by which mail is in, out or internal: example.org, or .example.org for the domains below it too. The domain of the archive's own address belongs here if a gateway copies mail to one. A change makes the catalog again in the background."`

	MessageSizeLimit        Size     `key:"message-size-limit" default:"150MiB" min:"1KiB" max:"240MiB" why:"a segment of the vault holds 256 MiB" doc:"Largest message that is taken. Larger ones are refused for good (552)."`
	MaxConnections          int      `key:"max-connections" default:"4000" min:"1" max:"100000" why:"each takes a file handle and some memory" doc:"Connections at once over all listeners. The next one is told to come back later (421)."`
	MaxConnectionsPerClient int      `key:"max-connections-per-client" default:"3000" min:"1" max:"100000" why:"each takes a file handle and some memory" doc:"Connections at once from one address. A gateway is one client, so keep it high."`
	MaxRecipients           int      `key:"max-recipients" default:"10000" min:"100" max:"100000" why:"RFC 5321 4.5.3.1.8 asks for 100 at least" doc:"Recipients of one message. Further ones are refused for now (452)."`
	IdleTimeout             Duration `key:"idle-timeout" default:"5m" min:"1s" max:"1d" why:"RFC 5321 4.5.3.2.7 asks for 5 minutes in earnest use" doc:"How long a silent client keeps its connection."`
	SessionTimeout          Duration `key:"session-timeout" default:"2h" min:"1s" max:"30d" why:"a connection must end one day" doc:"How long one connection may last in all."`

	TLSCertificate string `key:"tls-certificate" doc:"Certificate for STARTTLS, a PEM file with the chain. Without one the archive makes a self-signed certificate."`
	TLSKey         string `key:"tls-key" doc:"Private key that belongs to tls-certificate, a PEM file."`

	MinFree     Size   `key:"min-free" default:"256MiB" min:"1MiB" max:"1TiB" why:"catalog and audit record must still be written on a full disk" doc:"Free space below which no mail is taken in (452) until there is more."`
	SegmentSize Size   `key:"segment-size" default:"256MiB" min:"1MiB" max:"256MiB" why:"vault format 1 says so" doc:"Size at which the vault begins a new segment file."`
	Compression string `key:"compression" default:"better" oneof:"fastest|default|better" doc:"How hard the vault compresses: fastest, default or better."`

	ArchiveMonthly         Flag   `key:"archive-monthly" default:"true" doc:"Pack each month into a compressed archive file on the 1st of the next; a run that was missed is caught up. Without it archive files are made by hand (mail-archive archive)."`
	Archives               string `key:"archives" doc:"Folder of the archive files. Without a value it is archives in the data folder."`
	ArchiveMaxSize         Size   `key:"archive-max-size" default:"4GiB" min:"1MiB" max:"1TiB" why:"a file must fit where it is taken" doc:"Size at which an archive file is split; the further ones of a month end in -1, -2 and so on."`
	Encrypt                Flag   `key:"encrypt" default:"false" doc:"Encrypt archive files (OpenPGP, AES-256); they end in .enc. Needs a password or recipients."`
	EncryptPasswordFile    string `key:"encrypt-password-file" doc:"File whose first line is the password of encrypted archive files; mail-archive archive set-password writes it. Without a value it is archive-password in the data folder."`
	EncryptPasswordCommand string `key:"encrypt-password-command" default:"" unset:"No command is asked" doc:"Command whose first line of output is the password, in place of a file: for a vault of secrets. It is run by /bin/sh."`
	EncryptRecipients      Files  `key:"encrypt-recipients" default:"" unset:"To the password alone" doc:"Files of OpenPGP public keys that can open encrypted archive files too. Without a password, only who has the private keys can open them, not this server."`
	EncryptPasswordLength  int    `key:"encrypt-password-length" default:"8" min:"1" max:"1000" why:"a password has characters" doc:"Least length of a password that is set for encrypted archive files. Upper and lower case and a digit must be in it as well."`

	Relay             string   `key:"relay" default:"smtp://127.0.0.1:25" doc:"Mail server that redelivered mail is handed to: smtp://host:port, smtps://host:port (TLS from the start), lmtp://host:port or lmtp:/path of a socket."`
	RelayTLS          string   `key:"relay-tls" default:"auto" oneof:"auto|required|insecure|never" doc:"STARTTLS to the relay: auto when it offers it, without a check of the certificate on this machine; required with a check; insecure with no check of the certificate; never."`
	RelayUser         string   `key:"relay-user" default:"" unset:"No sign-in" doc:"Name to sign in with at the relay (AUTH)."`
	RelayPasswordFile string   `key:"relay-password-file" default:"" unset:"No password" doc:"File whose first line is the password for relay-user."`
	RedeliverFrom     string   `key:"redeliver-from" doc:"Envelope sender and Resent-From of redelivered mail, never the original's. Without a value it is mail-archive@ and the hostname."`
	RedeliverGiveUp   Duration `key:"redeliver-give-up" default:"3d" min:"1m" max:"30d" why:"RFC 5321 4.5.4.1 gives up after four to five days" doc:"How long a redelivery is tried before it is given up."`

	Spool string `key:"spool" default:"" unset:"No old spool" doc:"Folder in which the system before this one leaves raw messages, for import --spool and the old command line's -a import."`

	Timezone Zone `key:"timezone" default:"Local" doc:"Time zone in which days and months begin: Local, UTC or a name such as Europe/Berlin."`

	// Watches are the tables [[import.watch]].
	Watches []Watch

	LogLevel  slog.Level `key:"log-level" default:"INFO" doc:"Least level that is logged: DEBUG, INFO, WARN or ERROR."`
	LogFormat string     `key:"log-format" default:"auto" oneof:"text|json|auto" doc:"text, json, or auto: text on a terminal, JSON elsewhere."`
}

// lmtpForbiddenPort is the port that LMTP must not use (RFC 2033 5).
const lmtpForbiddenPort = "25"

// check returns what is wrong between keys, each of which is right by itself,
// as pairs of the key to point at and the mistake.
func (c *Config) check() map[string]error {
	wrong := map[string]error{}
	if (c.TLSCertificate == "") != (c.TLSKey == "") {
		missing, there := "tls-key", "tls-certificate"
		if c.TLSCertificate == "" {
			missing, there = there, missing
		}
		wrong[there] = &valueError{what: "needs " + missing + " too", instead: "both, or neither for a self-signed certificate"}
	}
	if c.LMTP.Port() == lmtpForbiddenPort {
		wrong["lmtp"] = &valueError{what: "LMTP must not be on port 25 (RFC 2033 5)", instead: `lmtp = "127.0.0.1:2424"`}
	}
	for _, e := range []struct {
		key string
		own Endpoint
	}{{"smtp", c.SMTP}, {"http", c.HTTP}} {
		if network, _ := e.own.Network(); network == "unix" {
			wrong[e.key] = &valueError{what: "only lmtp can be a unix socket", instead: fmt.Sprintf(`%s = "127.0.0.1:2525"`, e.key)}
		}
	}
	c.checkDistinct(wrong)
	return wrong
}

// checkDistinct finds two listeners on one address.
func (c *Config) checkDistinct(wrong map[string]error) {
	taken := map[Endpoint]string{}
	for _, e := range []struct {
		key string
		own Endpoint
	}{{"smtp", c.SMTP}, {"lmtp", c.LMTP}, {"http", c.HTTP}} {
		if e.own == "" || e.own.Port() == "0" {
			continue
		}
		if other, ok := taken[e.own]; ok {
			wrong[e.key] = &valueError{what: "is the address of " + other + " too", instead: "another port"}
		}
		taken[e.own] = e.key
	}
}

// complete fills in what depends on the machine and makes paths absolute.
func (c *Config) complete(m Machine) error {
	if c.Data == "" {
		c.Data = m.dataFolder()
	}
	if c.Hostname == "" {
		c.Hostname = m.hostname()
	}
	if c.Archives == "" {
		c.Archives = filepath.Join(c.Data, "archives")
	}
	if c.EncryptPasswordFile == "" {
		c.EncryptPasswordFile = filepath.Join(c.Data, "archive-password")
	}
	if c.RedeliverFrom == "" {
		c.RedeliverFrom = "mail-archive@" + c.Hostname
	}
	for _, path := range []*string{
		&c.Data, &c.TLSCertificate, &c.TLSKey, &c.Archives, &c.EncryptPasswordFile, &c.RelayPasswordFile, &c.Spool,
	} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	return nil
}
